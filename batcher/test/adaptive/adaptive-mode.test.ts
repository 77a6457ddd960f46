import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AdaptivePolicy } from "../../src/adaptive/adaptive-mode.js";
import { createServiceCurve } from "../../src/adaptive/service-curve.js";
import { decide, type LaneView } from "../../src/decide.js";

const lineMs = (size: number): number => 5 + 0.25 * size;
const CURVE = createServiceCurve(
  [1, 64].map((size) => ({ size, p50Ms: lineMs(size), p95Ms: lineMs(size), weight: 1 })),
  64,
);

const POLICY: AdaptivePolicy = {
  kind: "adaptive",
  curve: CURVE,
  drift: 1,
  sizes: { enough: 57, most: 64 },
  gapMs: 1,
  steadyGapMs: 1,
  lastArrivedMs: 1_000,
  slots: 1,
  idleSlots: 1,
  endpoints: 1,
  overheadMs: 0,
  doneByMs: 2_000,
  thrift: 0,
};

const LANE: LaneView = {
  policy: POLICY,
  batchClass: "now",
  count: 1,
  cost: 1,
  oldestArrivedMs: 1_000,
  freeCredits: 1,
  maxSize: 64,
  maxWaitMs: 50,
  solo: false,
  draining: false,
};

const lane = (change: Partial<LaneView>, policy: Partial<AdaptivePolicy> = {}): LaneView => ({
  ...LANE,
  ...change,
  policy: { ...POLICY, ...policy },
});
const waiting = (count: number) => ({ count, cost: count });

describe("in adaptive mode", () => {
  test("at a low rate a task leaves at once", () => {
    expect(decide(lane({}, { gapMs: 50 }), 1_000)).toEqual({ kind: "dispatch", size: 1, reason: "marginal" });
  });

  test("at a high rate it waits for others while the fixed cost saved exceeds the delay caused", () => {
    // For a line a + c b and one credit: wait while (n + 1) gap + c n < a.
    for (let n = 1; n < 20; n++) {
      const decision = decide(lane(waiting(n), { gapMs: 0.4 }), 1_000);
      expect(decision.kind).toBe((n + 1) * 0.4 + 0.25 * n < 5 ? "wait" : "dispatch");
    }
  });

  test("with many slots a batch waits while all of them, with such batches, could not keep up; with two it leaves", () => {
    // 10 rows a ms: 4 slots keep up from 4 n / (5 + 0.25 n) >= 10 on, which is n > 33.
    const often = { gapMs: 0.1, steadyGapMs: 0.1 };
    for (const n of [1, 20, 33]) {
      expect(decide(lane(waiting(n), { ...often, slots: 4, idleSlots: 4 }), 1_000).kind).toBe("wait");
      expect(decide(lane(waiting(n), { ...often, slots: 2, idleSlots: 2 }), 1_000).kind).toBe("dispatch");
    }
    expect(decide(lane(waiting(34), { ...often, slots: 4, idleSlots: 4 }), 1_000).kind).toBe("dispatch");
    // It does not wait for arrivals that stay away.
    expect(decide(lane(waiting(20), { ...often, slots: 4, idleSlots: 4 }), 1_000.5).kind).toBe("dispatch");
  });

  test("thrift makes it wait longer", () => {
    const patience = (thrift: number): number => {
      let n = 1;
      while (decide(lane(waiting(n), { gapMs: 0.4, thrift }), 1_000).kind === "wait") n++;
      return n;
    };
    expect([0, 1, 2, 5].map(patience)).toEqual([8, 15, 23, 46]);
  });

  test.each([
    ["enough wait", waiting(57), {}, { size: 57, reason: "full" }],
    ["more wait than one batch holds", waiting(80), {}, { size: 64, reason: "full" }],
    ["the most urgent must start now", waiting(2), { doneByMs: 1_005.75 }, { size: 2, reason: "deadline" }],
    ["nothing is known about service times", waiting(3), { curve: undefined }, { size: 3, reason: "marginal" }],
    ["nothing is known about arrivals", waiting(1), { gapMs: Infinity }, { size: 1, reason: "marginal" }],
    ["the first has waited as long as is allowed", { oldestArrivedMs: 950 }, {}, { size: 1, reason: "due" }],
    ["no more seem to come", {}, { gapMs: 0.1, lastArrivedMs: 999 }, { size: 1, reason: "idle" }],
  ])("it leaves when %s", (_when, change, policy, expected) => {
    expect(decide(lane(change, policy), 1_000)).toEqual({ kind: "dispatch", ...expected });
  });

  test("while no credit is free it waits for news, whatever presses", () => {
    const pressed = lane({ ...waiting(80), freeCredits: 0, oldestArrivedMs: 0 }, { doneByMs: 0 });
    expect(decide(pressed, 1_000)).toEqual({ kind: "wait", untilMs: Infinity });
  });

  test("while no slot is idle it grows, but where others keep all slots busy it takes its turn", () => {
    // Two full batches of 21 ms are less than the 50 ms that the first may wait anyway.
    const few = (oldestArrivedMs: number, drift: number) =>
      decide(lane({ ...waiting(2), oldestArrivedMs }, { idleSlots: 0, drift }), 1_000);
    expect(few(950.1, 1)).toEqual({ kind: "wait", untilMs: 1_000.1 });
    expect(few(950, 1)).toEqual({ kind: "dispatch", size: 2, reason: "due" });
    expect(few(950, 2)).toEqual({ kind: "wait", untilMs: 1_034 });
    expect(few(916, 2)).toEqual({ kind: "dispatch", size: 2, reason: "due" });
    expect(decide(lane(waiting(2), { idleSlots: 0, curve: undefined }), 1_000)).toEqual({
      kind: "wait",
      untilMs: 1_050,
    });
  });

  test("with many free servers waiting saves nobody a queue, so it waits less", () => {
    const few = (idleSlots: number) => lane(waiting(3), { gapMs: 0.9, slots: 3, idleSlots });
    expect(decide(few(1), 1_000).kind).toBe("wait");
    expect(decide(few(3), 1_000).kind).toBe("dispatch");
  });

  test("with many slots it waits through pauses while smaller batches would not keep up, until nothing seems to come", () => {
    // 4 slots with batches of n keep up with a row each 0.25 ms from (5 + 0.25 n) / (4 n) <= 0.25 on: n = 7.
    const many = (count: number, sinceLastMs: number) =>
      lane(waiting(count), {
        gapMs: 0.25,
        steadyGapMs: 0.25,
        slots: 4,
        idleSlots: 1,
        lastArrivedMs: 1_000 - sinceLastMs,
      });
    expect(decide(many(6, 0), 1_000).kind).toBe("wait");
    expect(decide(many(6, 1.2), 1_000).kind).toBe("wait");
    expect(decide(many(6, 1.25), 1_000)).toMatchObject({ kind: "dispatch", reason: "idle" });
    expect(decide(many(7, 0), 1_000)).toMatchObject({ kind: "dispatch", reason: "marginal" });
  });

  test("of several slots one leaves some for the others: what keeps up and a tenth, or half of what waits", () => {
    const sizeOf = (count: number, policy: Partial<AdaptivePolicy>): number => {
      const decision = decide(lane({ ...waiting(count), oldestArrivedMs: 0 }, { steadyGapMs: 0.25, ...policy }), 1_000);
      return decision.kind === "dispatch" ? decision.size : NaN;
    };
    // Batches of 7 keep up: 1.1 x 7, rounded up, and one more.
    expect([9, 10, 11, 20, 40, 60, 200].map((count) => sizeOf(count, { slots: 4 }))).toEqual([9, 9, 9, 10, 20, 30, 64]);
    expect(sizeOf(40, { slots: 1 })).toBe(40);
    // Two slots of one Triton are one device; of two Tritons two, and batches of 20 keep up.
    expect(sizeOf(40, { slots: 2, endpoints: 1 })).toBe(40);
    expect(sizeOf(40, { slots: 2, endpoints: 2 })).toBe(23);
    expect(sizeOf(40, { slots: 4, thrift: 1 })).toBe(40);
    expect(sizeOf(40, { slots: 4, steadyGapMs: Infinity })).toBe(40);
  });

  test("sizes of which little is known are tried as soon as enough wait for one of them, and no earlier", () => {
    const trying = (count: number) =>
      decide(lane(waiting(count), { sizes: { enough: 28, most: 32, trial: { least: 49, most: 64 } } }), 1_000);
    expect([33, 48, 49, 64, 80].map(trying)).toMatchObject(
      [32, 32, 49, 64, 64].map((size) => ({ size, reason: "full" })),
    );
  });

  test("with a credit but no idle slot it leaves when it cannot grow any more, and no earlier", () => {
    const busy = (count: number) => lane(waiting(count), { idleSlots: 0, doneByMs: 0 });
    expect(decide(busy(63), 1_000).kind).toBe("wait");
    expect(decide(busy(64), 1_000)).toEqual({ kind: "dispatch", size: 64, reason: "full" });
  });
});

describe("whatever is known", () => {
  const known = fc.record({
    count: fc.integer({ min: 1, max: 200 }),
    idleSlots: fc.integer({ min: 1, max: 8 }),
    gapMs: fc.double({ min: 0.01, max: 1_000, noNaN: true }),
    sinceLastMs: fc.double({ min: 0, max: 100, noNaN: true }),
    waitedMs: fc.double({ min: 0, max: 200, noNaN: true }),
    thrift: fc.double({ min: 0, max: 10, noNaN: true }),
    drift: fc.double({ min: 0.5, max: 4, noNaN: true }),
    leftMs: fc.double({ min: -100, max: 10_000, noNaN: true }),
  });

  test("nobody waits longer than max_wait while a credit is free, and a wait ends with a batch if nothing happens", () => {
    fc.assert(
      fc.property(known, ({ count, waitedMs, sinceLastMs, leftMs, ...policy }) => {
        const view = lane(
          { ...waiting(count), oldestArrivedMs: 1_000 - waitedMs },
          { ...policy, slots: 8, lastArrivedMs: 1_000 - sinceLastMs, doneByMs: 1_000 + leftMs },
        );
        const decision = decide(view, 1_000);
        if (decision.kind === "dispatch") {
          expect(decision.size).toBeLessThanOrEqual(Math.min(count, 64));
          return;
        }
        expect(decision.untilMs).toBeGreaterThan(1_000 - 1e-6);
        expect(decision.untilMs).toBeLessThanOrEqual(view.oldestArrivedMs + view.maxWaitMs);
        // A millionth of a millisecond of rounding.
        expect(decide(view, decision.untilMs + 1e-6).kind).toBe("dispatch");
      }),
      { numRuns: 2_000 },
    );
  });
});
