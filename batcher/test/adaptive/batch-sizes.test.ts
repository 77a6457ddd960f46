import { describe, expect, test } from "vitest";
import { batchSizes } from "../../src/adaptive/batch-sizes.js";
import { createServiceCurve } from "../../src/adaptive/service-curve.js";
import { A100, type GpuCurve, LINE } from "../../src/simulator/gpu-curve.js";

const LIMITS = { maxSize: 64, sloMs: 500, depth: 1, overheadMs: 0 };

const learned = (gpu: GpuCurve) => {
  const sizes = [1, 2, 4, 8, 16, 32, 64];
  const points = sizes.map((size) => ({ size, p50Ms: gpu.meanMs(size), p95Ms: gpu.meanMs(size), weight: 1 }));
  return { curve: createServiceCurve(points, 64), drift: 1, measuredAt: () => undefined };
};

describe("batch sizes", () => {
  test("on a straight line more is always better, the last rows hardly", () => {
    expect(batchSizes(learned(LINE), LIMITS)).toEqual({ enough: 57, most: 64 });
  });

  test("past the knee of a measured curve nothing is gained", () => {
    const { enough, most } = batchSizes(learned(A100), LIMITS);
    expect(most).toBe(32);
    expect(enough).toBeGreaterThan(12);
    expect(enough).toBeLessThanOrEqual(32);
  });

  describe("what was measured counts more than the line between two sizes", () => {
    const measured = (rowsPerMs: number, doubt: number) => ({
      ...learned(A100),
      measuredAt: (size: number) => (size === 48 ? { rowsPerMs, doubt } : undefined),
    });

    test.each([
      ["as good", 2.9, 0, 48],
      ["worse", 2.7, 0, 32],
      ["worse, as far as one knows", 2.75, 0.06, 48],
      ["worse, whatever the doubt", 2.6, 1, 32],
    ])("a larger one is %s", (_how, rowsPerMs, doubt, most) => {
      expect(batchSizes(measured(rowsPerMs, doubt), LIMITS).most).toBe(most);
    });
  });

  test("who waits for one batch and rides in the next ends within the objective", () => {
    const { most } = batchSizes(learned(LINE), { ...LIMITS, sloMs: 25 });
    expect(2 * LINE.meanMs(most)).toBeLessThanOrEqual(25);
    expect(2 * LINE.meanMs(most + 1)).toBeGreaterThan(25);
  });

  test.each([
    ["more in flight", { depth: 3 }, 1],
    ["a slower model", {}, 2],
    ["more overhead", { overheadMs: 10 }, 1],
  ])("%s makes them smaller", (_what, change, drift) => {
    const tight = { ...LIMITS, sloMs: 40 };
    const before = batchSizes(learned(LINE), tight);
    const after = batchSizes({ ...learned(LINE), drift }, { ...tight, ...change });
    expect(after.most).toBeLessThan(before.most);
  });

  test("an objective that nobody can meet leaves one row", () => {
    expect(batchSizes(learned(LINE), { ...LIMITS, sloMs: 1 })).toEqual({ enough: 1, most: 1 });
  });
});
