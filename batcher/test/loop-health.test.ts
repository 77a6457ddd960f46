import { expect, test } from "vitest";
import { createLoopHealth } from "../src/loop-health.js";

test("of several loops of one name the slowest speaks, until it is stopped", () => {
  const health = createLoopHealth();
  const hangs = health.begin("read", 1_000);
  const runs = health.begin("read", 1_000);
  runs.completed(5_000);
  expect([health.ageMs("read", 6_000), health.oldestAgeMs("read", 6_000)]).toEqual([1_000, 5_000]);
  hangs.ended();
  expect([health.ageMs("read", 6_000), health.oldestAgeMs("read", 6_000)]).toEqual([1_000, 1_000]);
});

test("a loop that takes another's place takes over its age; the first one counts from its beginning", () => {
  const health = createLoopHealth();
  const first = health.begin("sweep", 1_000);
  expect([health.ageMs("sweep", 3_000), health.oldestAgeMs("sweep", 3_000)]).toEqual([Infinity, 2_000]);
  first.completed(4_000);
  first.ended();
  expect(health.oldestAgeMs("sweep", 9_000)).toBeUndefined();
  health.begin("sweep", 9_000);
  expect(health.oldestAgeMs("sweep", 9_000)).toBe(5_000);
});
