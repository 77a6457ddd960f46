import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createServiceCurve, poolFallingValues } from "../../src/adaptive/service-curve.js";

const at = (size: number, p50Ms: number, p95Ms = p50Ms) => ({ size, p50Ms, p95Ms, weight: 1 });

describe("a curve", () => {
  test("goes straight between its points, and straight on beyond both ends", () => {
    const curve = createServiceCurve([at(2, 6), at(4, 8), at(8, 16)], 16);
    expect([1, 2, 3, 4, 6, 8, 12, 20].map((size) => curve.p50Ms(size))).toEqual([5, 6, 7, 8, 12, 16, 24, 40]);
  });

  test("is proportional where one point is all that is known", () => {
    const curve = createServiceCurve([at(4, 8)], 16);
    expect([1, 4, 8].map((size) => curve.p50Ms(size))).toEqual([2, 8, 16]);
  });

  test("never falls below nothing to the left of a steep beginning", () => {
    const curve = createServiceCurve([at(10, 1), at(20, 100)], 32);
    expect(curve.p50Ms(1)).toBeGreaterThan(0);
  });

  test("gives 95 of 100 at least what it gives half of them", () => {
    const curve = createServiceCurve([at(1, 5, 9), at(2, 6, 4)], 8);
    for (let size = 1; size < 20; size++) expect(curve.p95Ms(size)).toBeGreaterThanOrEqual(curve.p50Ms(size));
  });

  test("never falls with the size, whatever was measured", () => {
    const points = fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 8 }).chain((sizes) =>
      fc.tuple(
        ...sizes
          .sort((a, b) => a - b)
          .map((size) =>
            fc.record({
              size: fc.constant(size),
              p50Ms: fc.double({ min: 0.01, max: 100, noNaN: true }),
              p95Ms: fc.double({ min: 0.01, max: 100, noNaN: true }),
              weight: fc.integer({ min: 1, max: 64 }),
            }),
          ),
      ),
    );
    fc.assert(
      fc.property(points, (known) => {
        const curve = createServiceCurve(known, 64);
        for (let size = 1; size < 80; size++) {
          expect(curve.p50Ms(size)).toBeGreaterThan(0);
          expect(curve.p50Ms(size + 1)).toBeGreaterThanOrEqual(curve.p50Ms(size) - 1e-9);
        }
      }),
    );
  });
});

test.each([
  [
    [1, 2, 3],
    [1, 1, 1],
    [1, 2, 3],
  ],
  [
    [3, 1],
    [1, 1],
    [2, 2],
  ],
  [
    [3, 1],
    [3, 1],
    [2.5, 2.5],
  ],
  [
    [1, 4, 3, 2, 5],
    [1, 1, 1, 1, 1],
    [1, 3, 3, 3, 5],
  ],
])("values %j with weights %j become %j, which do not fall", (values, weights, pooled) => {
  expect(poolFallingValues(values, weights)).toEqual(pooled);
});
