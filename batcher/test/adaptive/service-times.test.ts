import { describe, expect, test } from "vitest";
import { ServiceTimes } from "../../src/adaptive/service-times.js";
import { WeightedWindow } from "../../src/adaptive/weighted-window.js";

const lineMs = (size: number): number => 5 + 0.25 * size;

describe("service times", () => {
  test("say nothing before batches of two sizes were seen", () => {
    const times = new ServiceTimes(64);
    for (let i = 0; i < 5; i++) times.observe(1, lineMs(1));
    expect(times.curve).toBeUndefined();
    times.observe(16, lineMs(16));
    expect(times.curve?.p50Ms(8)).toBeCloseTo(lineMs(8), 9);
    expect(times.curve?.p50Ms(64)).toBeCloseTo(lineMs(64), 9);
  });

  test("find a line again, also at sizes that were never seen", () => {
    const times = new ServiceTimes(64);
    for (const size of [1, 3, 7, 20, 33, 60]) times.observe(size, lineMs(size));
    for (const size of [1, 2, 5, 15, 40, 64]) expect(times.curve?.p50Ms(size)).toBeCloseTo(lineMs(size), 6);
  });

  test("keep the tail apart from the middle", () => {
    const times = new ServiceTimes(64);
    for (let i = 0; i < 60; i++) for (const size of [1, 16]) times.observe(size, i % 10 === 0 ? 50 : 10 + size);
    expect(times.curve?.p50Ms(16)).toBe(26);
    expect(times.curve?.p95Ms(16)).toBe(50);
  });

  test("a model that becomes twice as slow shows in drift within some ten batches, at sizes that did not run too", () => {
    const times = new ServiceTimes(64);
    for (let i = 0; i < 50; i++) for (const size of [1, 8, 64]) times.observe(size, lineMs(size));
    expect(times.drift).toBeCloseTo(1, 6);
    for (let i = 0; i < 14; i++) times.observe(8, 2 * lineMs(8));
    expect(times.drift * (times.curve?.p50Ms(64) ?? 0)).toBeGreaterThan(1.4 * lineMs(64));
    for (let i = 0; i < 200; i++) times.observe(8, 2 * lineMs(8));
    expect(times.curve?.p50Ms(8)).toBeCloseTo(2 * lineMs(8), 6);
    expect(times.drift).toBeCloseTo(1, 1);
  });

  test("a larger size is worth a try while little is known about it, and again after a long time", () => {
    const times = new ServiceTimes(64);
    for (let i = 0; i < 16; i++) for (const size of [1, 2, 4]) times.observe(size, lineMs(size));
    expect(times.sizeToProbe(4, 64)).toBe(8);
    // One unlucky batch: whoever believed it would never form another.
    times.observe(8, 100);
    expect(times.sizeToProbe(4, 64)).toBe(8);
    for (let i = 0; i < 16; i++) for (const size of [8, 12, 16, 24, 32, 48, 64]) times.observe(size, lineMs(size));
    times.observe(2, lineMs(2));
    expect(times.sizeToProbe(4, 64)).toBeUndefined();
    for (let i = 0; i < 46; i++) for (const size of [2, 4]) times.observe(size, lineMs(size));
    expect(times.sizeToProbe(4, 64)).toBeUndefined();
    for (const size of [2, 4, 2, 4]) times.observe(size, lineMs(size));
    expect(times.sizeToProbe(4, 64)).toBe(8);
    // Tried in vain, it is tried again after twice as long.
    times.observe(8, lineMs(8));
    for (let i = 0; i < 98; i++) for (const size of [2, 4]) times.observe(size, lineMs(size));
    expect(times.sizeToProbe(4, 64)).not.toBe(8);
    for (const size of [2, 4, 2, 4]) times.observe(size, lineMs(size));
    expect(times.sizeToProbe(4, 64)).toBe(8);
  });

  test("a smaller size is worth a try, too, and nothing above the largest", () => {
    const times = new ServiceTimes(64);
    for (let i = 0; i < 16; i++) times.observe(8, lineMs(8));
    expect(times.sizeToProbe(8, 8)).toBe(4);
    for (let i = 0; i < 16; i++) for (const size of [1, 2, 4, 8]) times.observe(size, lineMs(size));
    for (let i = 0; i < 98; i++) times.observe(8, lineMs(8));
    expect(times.sizeToProbe(8, 8)).toBeUndefined();
    times.observe(8, lineMs(8));
    expect(times.sizeToProbe(8, 8)).toBe(4);
    times.observe(4, lineMs(4));
    expect(times.sizeToProbe(8, 8)).toBeUndefined();
    expect(times.sizeToProbe(8, 10)).toBe(10);
  });

  test("a single monstrous batch moves the drift by no more than its share", () => {
    const times = new ServiceTimes(64);
    for (let i = 0; i < 50; i++) for (const size of [1, 8]) times.observe(size, lineMs(size));
    times.observe(8, 60_000);
    expect(times.drift).toBeLessThanOrEqual(1.15 + 1e-9);
  });
});

test("a window's quantiles are those of its latest samples", () => {
  const window = new WeightedWindow();
  expect(window.quantiles(0.5)).toEqual([NaN]);
  for (let value = 1; value <= 1_000; value++) window.add(value);
  const [median = 0, tail = 0] = window.quantiles(0.5, 0.95);
  // 128 samples count, the latest most.
  expect(median).toBeGreaterThan(936);
  expect(tail).toBeGreaterThan(median);
  expect(window.count).toBe(128);
});

test("what others have learned counts until enough was seen here", () => {
  const times = new ServiceTimes(64);
  times.adopt([4, 8, 64].map((size) => ({ size, p50Ms: 2 * lineMs(size), p95Ms: 2 * lineMs(size), weight: 20 })));
  for (let i = 0; i < 8; i++) times.observe(4, lineMs(4));
  expect(times.curve?.p50Ms(8)).toBeCloseTo(2 * lineMs(8), 6);
  for (let i = 0; i < 7; i++) times.observe(8, lineMs(8));
  expect(times.curve?.p50Ms(8)).toBeCloseTo(2 * lineMs(8), 6);
  times.observe(8, lineMs(8));
  expect(times.curve?.p50Ms(8)).toBeCloseTo(lineMs(8), 6);
  expect(times.curve?.p50Ms(64)).toBeCloseTo(2 * lineMs(64), 6);
});

test("what is told to others was seen often enough, here or by them", () => {
  const times = new ServiceTimes(64);
  times.adopt([{ size: 64, p50Ms: 30, p95Ms: 33, weight: 20 }]);
  times.observe(1, 5);
  expect(times.learned()).toEqual([{ size: 64, p50Ms: 30, p95Ms: 33, weight: 20 }]);
  for (let i = 0; i < 8; i++) times.observe(8, 7);
  expect(times.learned()).toMatchObject([{ size: 8, p50Ms: 7, p95Ms: 7 }, { size: 64 }]);
});
