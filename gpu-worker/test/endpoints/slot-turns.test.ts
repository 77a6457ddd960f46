import { expect, test } from "vitest";
import { SlotTurns } from "../../src/endpoints/slot-turns.js";
import type { Rotation } from "../../src/health/endpoint-health.js";

const whoMayPull = (turns: SlotTurns, rotation: Rotation, slots = 2) =>
  [0, 1, 2, 3].filter((index) => turns.mayPull(index, rotation, slots));

test("the first slots may pull, as many as there may be; none where nothing may run", () => {
  const turns = new SlotTurns();
  turns.takes(0);
  expect([whoMayPull(turns, "all"), whoMayPull(turns, "all", 4), whoMayPull(turns, "none")]).toEqual([
    [0, 1],
    [0, 1, 2, 3],
    [],
  ]);
});

test("one batch is tried by the first slot that is free, not by the first slot", () => {
  const turns = new SlotTurns();
  expect(whoMayPull(turns, "one")).toEqual([0]);
  const frees = turns.takes(0);
  turns.takes(1);
  // Slots 0 and 1 are not asked: they have batches.
  expect([2, 3].filter((index) => turns.mayPull(index, "one", 2))).toEqual([2]);
  frees();
  expect([0, 2, 3].filter((index) => turns.mayPull(index, "one", 2))).toEqual([0]);
});
