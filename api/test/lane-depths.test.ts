import { SHARD_COUNT } from "@sluice/broker";
import { expect, test } from "vitest";
import { LaneDepths } from "../src/tasks/lane-depths.js";

const LANE = "m:1:local:now";

test("what was seen of each shard counts, and for the others a part of what is told", () => {
  const depths = new LaneDepths();
  expect(depths.openRuns(LANE, 160, 0)).toBe(160);
  depths.saw(LANE, 3, 50, 1_000);
  depths.saw(LANE, 3, 40, 1_010);
  depths.saw(LANE, 4, 30, 1_020);
  depths.saw("another", 5, 999, 1_020);
  expect(depths.openRuns(LANE, 160, 1_020)).toBe(40 + 30 + 14 * 10);
});

test("once all were seen, what is told does not count", () => {
  const depths = new LaneDepths();
  for (let shard = 0; shard < SHARD_COUNT; shard++) depths.saw(LANE, shard, 2, 0);
  expect(depths.openRuns(LANE, 9_999, 100)).toBe(2 * SHARD_COUNT);
});

test("what was seen half a second ago is no better than what is told", () => {
  const depths = new LaneDepths();
  depths.saw(LANE, 0, 500, 1_000);
  expect(depths.openRuns(LANE, 16, 1_499)).toBe(515);
  expect(depths.openRuns(LANE, 16, 1_500)).toBe(16);
});
