import { describe, expect, it } from "vitest";
import { percentile } from "../src/measure/percentile.js";
import { summariseTasks } from "../src/measure/task-times.js";

describe("percentile", () => {
  it("is the value that at least this share of the values does not exceed", () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.5, 0.9, 0.99, 1].map((share) => percentile(values, share))).toEqual([50, 90, 99, 100]);
  });

  it("of a small sample is its largest value, not something between", () => {
    expect(percentile([3, 7], 0.99)).toBe(7);
    expect(percentile([3, 7], 0.5)).toBe(3);
    expect(percentile([3], 0)).toBe(3);
  });

  it("of nothing is no number", () => {
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe("summariseTasks", () => {
  const times = { startMs: [0, 900, 1_000, 1_900, 2_500], endMs: [500, 1_100, 1_300, 2_900, 2_600] };
  const window = { openMs: 1_000, closeMs: 2_000 };

  it("counts what was answered in the window, and takes the latencies of the same tasks in a closed loop", () => {
    expect(summariseTasks(times, window, "end")).toEqual({
      answered: 2,
      perS: 2,
      meanMs: 250,
      p50Ms: 200,
      p90Ms: 300,
      p99Ms: 300,
      maxMs: 300,
    });
  });

  it("takes the latencies of the tasks that were due in the window in an open loop, also of those answered after it", () => {
    expect(summariseTasks(times, window, "start")).toEqual({
      answered: 2,
      perS: 2,
      meanMs: 650,
      p50Ms: 300,
      p90Ms: 1_000,
      p99Ms: 1_000,
      maxMs: 1_000,
    });
  });

  it("counts a task at the opening and none at the closing", () => {
    expect(summariseTasks({ startMs: [0, 0], endMs: [1_000, 2_000] }, window, "end").answered).toBe(1);
  });
});
