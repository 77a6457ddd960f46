import { expect, test } from "vitest";
import { chooseBatch } from "../src/choose-batch.js";
import type { LaneView } from "../src/decide.js";

const view = (change: Partial<LaneView>, heldUntilMs = -Infinity) => ({
  heldUntilMs,
  view: {
    policy: { kind: "fixed" },
    batchClass: "now",
    count: 64,
    cost: 64,
    oldestArrivedMs: 0,
    freeCredits: 1,
    maxSize: 64,
    maxWaitMs: 50,
    solo: false,
    draining: false,
    ...change,
  } satisfies LaneView,
});

test("the batch whose first task has waited longest is next", () => {
  const [young, old] = [view({ oldestArrivedMs: 20 }), view({ oldestArrivedMs: 10 })];
  expect(chooseBatch([young, old], 30)).toMatchObject({ kind: "dispatch", candidate: old });
});

test("bulk stands back behind `now`, for a second", () => {
  const [bulk, now] = [view({ batchClass: "bulk", oldestArrivedMs: 0 }), view({ oldestArrivedMs: 999 })];
  expect(chooseBatch([bulk, now], 1_000)).toMatchObject({ candidate: now });
  expect(chooseBatch([bulk, view({ oldestArrivedMs: 1_001 })], 1_001)).toMatchObject({ candidate: bulk });
});

test("when nothing may leave, it waits for the first that may", () => {
  const waiting = [view({ count: 1, cost: 1, oldestArrivedMs: 30 }), view({ count: 1, cost: 1, oldestArrivedMs: 10 })];
  expect(chooseBatch(waiting, 40)).toEqual({ kind: "wait", untilMs: 60 });
  expect(chooseBatch([], 40)).toEqual({ kind: "wait", untilMs: Infinity });
});

test("a lane that is held lets the others pass, and has its turn afterwards", () => {
  const [held, other] = [view({ oldestArrivedMs: 10 }, 100), view({ oldestArrivedMs: 20 })];
  expect(chooseBatch([held, other], 99)).toMatchObject({ kind: "dispatch", candidate: other });
  expect(chooseBatch([held], 99)).toEqual({ kind: "wait", untilMs: 100 });
  expect(chooseBatch([held, other], 100)).toMatchObject({ kind: "dispatch", candidate: held });
});
