import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSoloGate } from "../src/solo-gate.js";

/** Lets everything run that needs no outside event. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("the solo gate", () => {
  test("lets ordinary batches run side by side", async () => {
    const gate = createSoloGate();
    const leaves = await Promise.all([gate.enter(false), gate.enter(false), gate.enter(false)]);
    expect(leaves).toHaveLength(3);
  });

  test("keeps a batch that must be alone until the others are done, and the others until it is done", async () => {
    const gate = createSoloGate();
    const log: string[] = [];
    const [one, two] = [await gate.enter(false), await gate.enter(false)];
    const alone = gate.enter(true).then((leave) => (log.push("alone"), leave));
    const late = gate.enter(false).then((leave) => (log.push("late"), leave));
    const open = gate.whenOpen().then(() => log.push("open"));
    await settle();
    one();
    one();
    await settle();
    expect(log).toEqual([]);
    two();
    const leaveAlone = await alone;
    await settle();
    expect(log).toEqual(["alone"]);
    leaveAlone();
    await Promise.all([late, open]);
    expect(log.slice().sort()).toEqual(["alone", "late", "open"]);
  });

  test("lets two that must be alone take turns in their order", async () => {
    const gate = createSoloGate();
    const log: string[] = [];
    const first = gate.enter(true).then((leave) => (log.push("first"), leave));
    const second = gate.enter(true).then((leave) => (log.push("second"), leave));
    await settle();
    expect(log).toEqual(["first"]);
    (await first)();
    (await second)();
    await gate.whenOpen();
    expect(log).toEqual(["first", "second"]);
  });

  test("holds for any order of comings and goings: alone means alone, and nobody waits for ever", async () => {
    const batches = fc.array(fc.record({ alone: fc.boolean(), lasts: fc.nat(4), after: fc.nat(3) }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(batches, async (list) => {
        const gate = createSoloGate();
        let [inside, done, aloneInside] = [0, 0, 0];
        const run = async ({ alone, lasts, after }: (typeof list)[number]) => {
          for (let i = 0; i < after; i++) await settle();
          const leave = await gate.enter(alone);
          inside++;
          if (alone) aloneInside++;
          expect(aloneInside === 0 || inside === 1).toBe(true);
          for (let i = 0; i < lasts; i++) await settle();
          expect(aloneInside === 0 || inside === 1).toBe(true);
          inside--;
          if (alone) aloneInside--;
          leave();
          done++;
        };
        await Promise.all(list.map(run));
        await gate.whenOpen();
        expect(done).toBe(list.length);
      }),
      { numRuns: 60 },
    );
  });
});
