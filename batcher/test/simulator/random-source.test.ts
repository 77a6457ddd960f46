import { expect, test } from "vitest";
import { bursts } from "../../src/simulator/arrivals.js";
import { createRandomSource } from "../../src/simulator/random-source.js";

test("the first numbers of neighbouring seeds are spread like any others", () => {
  const firsts = Array.from({ length: 1_000 }, (_, seed) => createRandomSource(seed + 1).uniform());
  expect(firsts.reduce((sum, value) => sum + value, 0) / firsts.length).toBeCloseTo(0.5, 1);
  expect(new Set(firsts.map((value) => Math.floor(20 * value))).size).toBe(20);
});

test("equal seeds give equal numbers", () => {
  const [one, two] = [createRandomSource(7), createRandomSource(7)];
  for (let nth = 0; nth < 100; nth++) expect(one.noise(0.3)).toBe(two.noise(0.3));
});

test.each([1, 2, 3])("bursts have both their rates, seed %i", (seed) => {
  const untilMs = 60_000;
  const gaps = { short: 0, long: 0 };
  let lastMs = 0;
  for (const atMs of bursts({ lowPerSecond: 100, highPerSecond: 2_500, stayMs: 500 }, createRandomSource(seed))) {
    if (atMs > untilMs) break;
    if (atMs - lastMs < 2) gaps.short++;
    else gaps.long++;
    lastMs = atMs;
  }
  // Half of the time at each: 30 s x 2,500/s and 30 s x 100/s, within what 120 changes leave to chance.
  expect(gaps.short).toBeGreaterThan(35_000);
  expect(gaps.short).toBeLessThan(120_000);
  expect(gaps.long).toBeGreaterThan(1_000);
});
