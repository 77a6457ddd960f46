import type { LaneLoad } from "@sluice/broker";
import { expect, test } from "vitest";

import { expectedWaitMs } from "../src/tasks/expected-wait.js";

const NOW: LaneLoad = { lane: "m:1:local:now", openRuns: 0, fullRows: 10, fullMs: 100, slots: 2 };
const BULK: LaneLoad = { ...NOW, lane: "m:1:local:bulk", openRuns: 100 };
const OTHER: LaneLoad = { ...NOW, lane: "n:1:local:now", openRuns: 40, fullMs: 50 };
const wait = (lane: string, loads: readonly LaneLoad[], admittedSince = 0): number =>
  expectedWaitMs(lane, new Map(loads.map((load) => [load.lane, load])), admittedSince);

test.each([
  ["nothing is known", [OTHER], 5, 0],
  ["no slot lives", [{ ...NOW, slots: 0, openRuns: 500 }], 0, 0],
  ["nothing waits: its own batch", [NOW], 0, 100],
  ["a batch is before it, and another slot takes its own", [{ ...NOW, openRuns: 10 }], 0, 100],
  ["many wait: their batches and its own, by two slots", [{ ...NOW, openRuns: 95 }], 0, 500],
  ["others came since the figures were taken", [{ ...NOW, openRuns: 95 }], 20, 600],
  ["another model of the pool is busy", [{ ...NOW, openRuns: 95 }, OTHER], 0, 600],
  ["only bulk work waits", [NOW, BULK], 0, 100],
])("when %s", (_when, loads, admittedSince, waitMs) => {
  expect(wait(NOW.lane, loads, admittedSince)).toBe(waitMs);
});

test("bulk work waits for all", () => {
  expect(wait(BULK.lane, [{ ...NOW, openRuns: 95 }, BULK, OTHER])).toBe((1_100 + 1_000 + 200) / 2);
});
