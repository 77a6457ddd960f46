import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRetryBudget } from "../src/retry-budget.js";
import { backoffMs, nextTryAfterMs, troubleMs } from "../src/retry-policy.js";

const limits = { maxAttempts: 3, baseMs: 50, deadlineMs: 1_000 };

describe("the back-off", () => {
  test("doubles, is jittered over its whole length and never grows beyond two seconds", () => {
    expect([1, 2, 3].map((failures) => backoffMs(failures, 50, 1))).toEqual([50, 100, 200]);
    expect([0, 0.25, 0.5].map((random) => backoffMs(2, 50, random))).toEqual([0, 25, 50]);
    expect(backoffMs(30, 50, 1)).toBe(2_000);
  });

  test("of a slot in trouble is never nothing", () => {
    expect(troubleMs(1, 0)).toBe(50);
    expect(troubleMs(50, 1)).toBe(2_050);
  });
});

describe("the retry policy", () => {
  test("gives up when the tries are used up", () => {
    const after = (failures: number) => nextTryAfterMs(failures, limits, { monotonicMs: 0, random: 1 });
    expect([1, 2, 3, 4].map(after)).toEqual([50, 100, undefined, undefined]);
  });

  test("never plans a try at or after the deadline", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(2_000),
        (n, random, at) => {
          const after = nextTryAfterMs(n, { ...limits, maxAttempts: 10 }, { monotonicMs: at, random });
          if (after === undefined) expect(at + backoffMs(n, 50, random)).toBeGreaterThanOrEqual(1_000);
          else expect(at + after).toBeLessThan(1_000);
        },
      ),
    );
  });
});

describe("the retry budget", () => {
  test("lets a quiet worker retry until its reserve is used up", () => {
    const budget = createRetryBudget(0.1, 3);
    expect([1, 2, 3, 4].map(() => budget.take())).toEqual([true, true, true, false]);
  });

  test("lets at most one call in ten be a retry, beyond its reserve", () => {
    const budget = createRetryBudget(0.1, 10);
    let retries = 0;
    for (let call = 0; call < 1_000; call++) {
      budget.earn();
      // An endpoint that always fails: every try wants all its retries.
      while (budget.take()) retries++;
    }
    expect(retries).toBeGreaterThanOrEqual(99);
    expect(retries).toBeLessThanOrEqual(110);
  });

  test("does not save up more than its reserve", () => {
    const budget = createRetryBudget(0.5, 2);
    for (let call = 0; call < 100; call++) budget.earn();
    expect([1, 2, 3].map(() => budget.take())).toEqual([true, true, false]);
  });
});
