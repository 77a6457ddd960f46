import { describe, expect, it } from "vitest";
import { poissonSchedule } from "../src/load/poisson-schedule.js";
import { createRandom } from "../src/load/random.js";

const load = { ratePerS: 500, durationMs: 60_000 };
const schedule = poissonSchedule(load, createRandom(7));
const gaps = schedule.map((atMs, index) => atMs - (schedule[index - 1] ?? 0));
const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;

describe("poissonSchedule", () => {
  it("is the same for the same seed and another for another", () => {
    expect(poissonSchedule(load, createRandom(7))).toEqual(schedule);
    expect(poissonSchedule(load, createRandom(8))).not.toEqual(schedule);
  });

  it("is in order and within the duration", () => {
    expect(gaps.every((gap) => gap >= 0)).toBe(true);
    expect(schedule.at(-1)).toBeLessThan(60_000);
  });

  it("has the rate, and gaps that vary as much as their mean: arrivals without memory", () => {
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    // 30,000 arrivals: 8/s are nearly three standard errors.
    expect(Math.abs(schedule.length / 60 - 500)).toBeLessThan(8);
    expect(mean).toBeCloseTo(2, 1);
    expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.97);
    expect(Math.sqrt(variance) / mean).toBeLessThan(1.03);
    const longGaps = gaps.filter((gap) => gap > 3 * mean).length / gaps.length;
    expect(longGaps).toBeCloseTo(Math.exp(-3), 2);
  });

  it("refuses a rate that is not above 0", () => {
    expect(() => poissonSchedule({ ratePerS: 0, durationMs: 1 }, createRandom(1))).toThrow(RangeError);
  });
});
