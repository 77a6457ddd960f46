import { expect, test } from "vitest";
import { LaneHolds } from "../src/lane-holds.js";

/** Lets a batch of the lane leave as soon as it may, and come back at once. @returns when it left. */
function publishAndReturn(holds: LaneHolds, nowMs: number): number {
  const leftMs = Math.max(nowMs, holds.untilMs("l"));
  holds.published("l", leftMs);
  holds.returned("l", leftMs);
  return leftMs;
}

test("a lane is free until batches come back, and the first return costs nothing", () => {
  const holds = new LaneHolds();
  expect(holds.untilMs("l")).toBe(-Infinity);
  holds.published("l", 0);
  expect(holds.untilMs("l")).toBe(-Infinity);
  holds.returned("l", 7);
  expect(holds.untilMs("l")).toBe(7);
});

test("a lane whose batches always come back is tried less and less often, at least every two seconds", () => {
  const holds = new LaneHolds();
  const left = [];
  for (let nowMs = 0, i = 0; i < 9; i++) left.push((nowMs = publishAndReturn(holds, nowMs)));
  expect(left).toEqual([0, 0, 100, 300, 700, 1_500, 3_100, 5_100, 7_100]);
});

test("while it is in trouble, one batch is out at a time", () => {
  const holds = new LaneHolds();
  publishAndReturn(holds, 0);
  publishAndReturn(holds, 0);
  holds.published("l", 100);
  expect(holds.untilMs("l")).toBe(5_100);
});

test("batches that left before the hold began do not prolong it", () => {
  const holds = new LaneHolds();
  holds.returned("l", 0);
  holds.returned("l", 1);
  expect(holds.untilMs("l")).toBe(101);
  for (let i = 0; i < 10; i++) holds.returned("l", 2 + i);
  expect(holds.untilMs("l")).toBe(101);
});

test("a batch that is done frees the lane, and only its own", () => {
  const holds = new LaneHolds();
  for (const lane of ["l", "other"]) for (const nowMs of [0, 1]) holds.returned(lane, nowMs);
  holds.done("l");
  expect(holds.untilMs("l")).toBe(-Infinity);
  expect(holds.untilMs("other")).toBe(101);
});
