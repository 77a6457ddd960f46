import { expect, test } from "vitest";
import { LaneHolds } from "../src/lane-holds.js";

const ROUTE = { lane: "l", pool: "p" };
const batch = (publishedMs: number, change: Partial<typeof ROUTE> = {}) => ({ ...ROUTE, ...change, publishedMs });

/** Lets a batch of the lane leave as soon as it may, and come back a millisecond later. @returns when it left. */
function publishAndReturn(holds: LaneHolds, nowMs: number): number {
  const leftMs = Math.max(nowMs, holds.untilMs(ROUTE));
  holds.published(ROUTE, leftMs);
  holds.returned(batch(leftMs), leftMs + 1);
  return leftMs;
}

test("a lane is free until batches come back, and the first return costs nothing", () => {
  const holds = new LaneHolds();
  expect(holds.untilMs(ROUTE)).toBe(-Infinity);
  holds.published(ROUTE, 0);
  expect(holds.untilMs(ROUTE)).toBe(-Infinity);
  holds.returned(batch(0), 7);
  expect(holds.untilMs(ROUTE)).toBe(7);
});

test("a lane whose batches always come back is tried less and less often, at least every two seconds", () => {
  const holds = new LaneHolds();
  const left = [];
  for (let nowMs = 0, i = 0; i < 9; i++) left.push((nowMs = publishAndReturn(holds, nowMs)));
  expect(left).toEqual([0, 1, 102, 303, 704, 1_505, 3_106, 5_107, 7_108]);
});

test("while it is in trouble, one batch is out at a time", () => {
  const holds = new LaneHolds();
  publishAndReturn(holds, 0);
  publishAndReturn(holds, 1);
  holds.published(ROUTE, 102);
  expect(holds.untilMs(ROUTE)).toBe(5_102);
});

test("batches that were out together count once: a worker that stops gives back all it has", () => {
  const holds = new LaneHolds();
  for (const nowMs of [10, 10, 11, 12]) holds.returned(batch(0), nowMs);
  expect(holds.untilMs(ROUTE)).toBe(10);
  holds.returned(batch(13), 20);
  expect(holds.untilMs(ROUTE)).toBe(120);
});

test("a batch that is done frees the lane, and only its own", () => {
  const holds = new LaneHolds();
  const others = [{ lane: "other" }, { pool: "p@east" }];
  for (const change of [{}, ...others]) for (const nowMs of [1, 3]) holds.returned(batch(nowMs - 1, change), nowMs);
  holds.done(ROUTE);
  expect(holds.untilMs(ROUTE)).toBe(-Infinity);
  for (const change of others) expect(holds.untilMs({ ...ROUTE, ...change })).toBe(103);
});
