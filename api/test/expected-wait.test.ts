import type { LaneLoad } from "@sluice/broker";
import { expect, test } from "vitest";

import { expectedWaitMs, joinLoads, mostOpenRuns } from "../src/tasks/expected-wait.js";

/** 10 ms and 10 ms a row. */
const NOW: LaneLoad = { lane: "m:1:local:now", openRuns: 0, oneMs: 20, fullRows: 10, fullMs: 110, slots: 2 };
const BULK: LaneLoad = { ...NOW, lane: "m:1:local:bulk", openRuns: 100 };
const OTHER: LaneLoad = { ...NOW, lane: "n:1:local:now", openRuns: 40, fullMs: 50 };
const byLane = (loads: readonly LaneLoad[]) => new Map(loads.map((load) => [load.lane, load]));
const wait = (lane: string, loads: readonly LaneLoad[]): number =>
  expectedWaitMs(lane, byLane(loads), byLane(loads).get(lane)?.openRuns ?? 0);

test.each([
  ["nothing is known", [OTHER], 0],
  ["no slot lives", [{ ...NOW, slots: 0, openRuns: 500 }], 0],
  ["nothing is before it, however slow batches were", [{ ...NOW, oneMs: 9_000, fullMs: 90_000 }], 0],
  ["few are before it: a small batch", [{ ...NOW, openRuns: 2 }], 40],
  ["a batch is before it, and another slot takes its own", [{ ...NOW, openRuns: 10 }], 110],
  ["many wait: their batches and its own, by two slots", [{ ...NOW, openRuns: 99 }], 550],
  ["another model of the pool is busy", [{ ...NOW, openRuns: 99 }, OTHER], 650],
  ["only bulk work waits", [NOW, BULK], 0],
])("when %s", (_when, loads, waitMs) => {
  expect(wait(NOW.lane, loads)).toBe(waitMs);
});

test("work that may run at several sites waits for what lies before each, and has the slots of all", () => {
  const [home, away] = [byLane([{ ...NOW, slots: 0 }]), byLane([{ ...NOW, openRuns: 99 }, OTHER])];
  expect(expectedWaitMs(NOW.lane, joinLoads([home, away]), 99)).toBe(650);
  expect(expectedWaitMs(NOW.lane, joinLoads([byLane([{ ...NOW, openRuns: 9 }]), away]), 99)).toBe(325);
  expect(joinLoads([]).size).toBe(0);
});

test("bulk work waits for all", () => {
  expect(wait(BULK.lane, [{ ...NOW, openRuns: 100 }, BULK, OTHER])).toBe((1_100 + 1_120 + 200) / 2);
});

test("so many may be open that the last of them is done just in time", () => {
  const most = (loads: readonly LaneLoad[], withinMs: number) => mostOpenRuns(NOW.lane, byLane(loads), withinMs);
  expect(most([OTHER], 1_000)).toBe(Infinity);
  expect(most([NOW], 54)).toBe(0);
  expect(most([NOW], 110)).toBe(20);
  expect(most([NOW], 550)).toBe(100);
  expect(most([NOW, BULK], 550)).toBe(100);
  expect(most([NOW, OTHER], 550)).toBe(80);
  expect(most([NOW, OTHER], 50)).toBe(0);
  for (const openRuns of [19, 39, 99, 149]) {
    expect(most([NOW, OTHER], wait(NOW.lane, [{ ...NOW, openRuns }, OTHER]))).toBe(openRuns + 1);
  }
});
