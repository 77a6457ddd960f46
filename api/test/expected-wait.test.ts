import type { LaneLoad } from "@sluice/broker";
import { expect, test } from "vitest";

import { expectedWaitMs } from "../src/tasks/expected-wait.js";

/** 10 ms and 10 ms a row. */
const NOW: LaneLoad = { lane: "m:1:local:now", openRuns: 0, oneMs: 20, fullRows: 10, fullMs: 110, slots: 2 };
const BULK: LaneLoad = { ...NOW, lane: "m:1:local:bulk", openRuns: 100 };
const OTHER: LaneLoad = { ...NOW, lane: "n:1:local:now", openRuns: 40, fullMs: 50 };
const wait = (lane: string, loads: readonly LaneLoad[], admittedSince = 0): number =>
  expectedWaitMs(lane, new Map(loads.map((load) => [load.lane, load])), admittedSince);

test.each([
  ["nothing is known", [OTHER], 5, 0],
  ["no slot lives", [{ ...NOW, slots: 0, openRuns: 500 }], 0, 0],
  ["nothing is before it, however slow batches were", [{ ...NOW, oneMs: 9_000, fullMs: 90_000 }], 0, 0],
  ["few are before it: a small batch", [{ ...NOW, openRuns: 2 }], 0, 40],
  ["a batch is before it, and another slot takes its own", [{ ...NOW, openRuns: 10 }], 0, 110],
  ["many wait: their batches and its own, by two slots", [{ ...NOW, openRuns: 99 }], 0, 550],
  ["others came since the figures were taken", [{ ...NOW, openRuns: 99 }], 20, 660],
  ["another model of the pool is busy", [{ ...NOW, openRuns: 99 }, OTHER], 0, 650],
  ["only bulk work waits", [NOW, BULK], 0, 0],
])("when %s", (_when, loads, admittedSince, waitMs) => {
  expect(wait(NOW.lane, loads, admittedSince)).toBe(waitMs);
});

test("bulk work waits for all", () => {
  expect(wait(BULK.lane, [{ ...NOW, openRuns: 100 }, BULK, OTHER])).toBe((1_100 + 1_120 + 200) / 2);
});
