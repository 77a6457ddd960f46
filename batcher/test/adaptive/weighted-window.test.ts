import { expect, test } from "vitest";
import { WeightedWindow } from "../../src/adaptive/weighted-window.js";
import { createRandomSource } from "../../src/simulator/random-source.js";

test("quantiles are those of the samples sorted by value", () => {
  const window = new WeightedWindow();
  expect(window.quantiles(0.5)).toEqual([NaN]);
  for (const value of [3, 1, 2, 2, 1]) window.add(value);
  expect(window.quantiles(0, 0.5, 1)).toEqual([1, 2, 3]);
  expect(window.count).toBe(5);
});

test("after any number of samples it knows what one that saw only the latest knows", () => {
  const random = createRandomSource(1);
  // Whole values, so that many are equal.
  const values = Array.from({ length: 1_000 }, () => Math.floor(10 * random.uniform()));
  const long = new WeightedWindow();
  for (const [index, value] of values.entries()) {
    long.add(value);
    if (index % 37 !== 0) continue;
    const fresh = new WeightedWindow();
    for (const latest of values.slice(Math.max(0, index + 1 - long.count), index + 1)) fresh.add(latest);
    expect(long.quantiles(0.05, 0.5, 0.95)).toEqual(fresh.quantiles(0.05, 0.5, 0.95));
    expect(long.mean()).toBeCloseTo(fresh.mean(), 12);
  }
  expect(long.count).toBeLessThan(values.length);
});

test("newer samples count more than older ones", () => {
  const window = new WeightedWindow();
  for (let nth = 0; nth < 40; nth++) window.add(nth < 20 ? 100 : 1);
  const [median = NaN] = window.quantiles(0.5);
  expect(median).toBe(1);
  expect(window.mean()).toBeLessThan(50.5);
});
