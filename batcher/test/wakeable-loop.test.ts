import { describe, expect, test } from "vitest";
import { systemClock } from "@sluice/broker";
import { createLoopHealth } from "../src/loop-health.js";
import { createWakeableLoop } from "../src/wakeable-loop.js";
import { silentLog } from "./batcher-fixture.js";

const loopOf = (turn: () => Promise<number>) => {
  const health = createLoopHealth();
  const deps = { log: silentLog, clock: systemClock, health };
  return { ...createWakeableLoop("sweep", turn, deps), health };
};
/** Long enough for every timer of 1 ms and every promise that is ready. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("a loop", () => {
  test("takes its first turn at the start, and the next when its time has come", async () => {
    let turns = 0;
    const loop = loopOf(async () => (++turns < 3 ? 1 : Infinity));
    await loop.start();
    expect(turns).toBe(1);
    await settle();
    expect(turns).toBe(3);
    await loop.stop();
  });

  test("takes a turn when it is woken, and one more if it is woken during a turn, however often", async () => {
    let turns = 0;
    let finishTurn = (): void => undefined;
    const loop = loopOf(async () => {
      if (++turns === 2) await new Promise<void>((resolve) => (finishTurn = resolve));
      return Infinity;
    });
    await loop.start();
    loop.wake();
    loop.wake();
    loop.wake();
    expect(turns).toBe(2);
    finishTurn();
    await settle();
    expect(turns).toBe(3);
    await loop.stop();
  });

  test("goes on after errors, and is not hurried while it backs off", async () => {
    let turns = 0;
    const loop = loopOf(async () => {
      if (++turns === 1) throw new Error("the first one fails");
      return Infinity;
    });
    await loop.start();
    loop.wake();
    await settle();
    expect(turns).toBe(1);
    expect(loop.health.ageMs("sweep", systemClock.monotonicMs())).toBe(Infinity);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(turns).toBe(2);
    expect(loop.health.ageMs("sweep", systemClock.monotonicMs())).toBeLessThan(300);
    await loop.stop();
  });

  test("stops after the turn that is under way, and for good", async () => {
    let turns = 0;
    let finishTurn = (): void => undefined;
    const loop = loopOf(async () => {
      turns++;
      await new Promise<void>((resolve) => (finishTurn = resolve));
      return 0;
    });
    const started = loop.start();
    const stopped = loop.stop();
    finishTurn();
    await Promise.all([started, stopped]);
    loop.wake();
    await settle();
    expect(turns).toBe(1);
    await loop.stop();
  });

  test("may be stopped before it is started: then it never runs", async () => {
    let turns = 0;
    const loop = loopOf(async () => ++turns);
    await loop.stop();
    await loop.start();
    loop.wake();
    expect(turns).toBe(0);
  });
});
