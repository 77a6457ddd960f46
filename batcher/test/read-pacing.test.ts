import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ArrivalRate, readPauseMs } from "../src/read-pacing.js";

const PACING = { minMs: 2, maxMs: 10 };

describe("the next read comes", () => {
  test.each([
    ["late when nothing is about to leave", [], 1, 10],
    ["when the batch is likely to be full", [{ missing: 12, dueInMs: 40 }], 2, 6],
    ["when the batch is due", [{ missing: 60, dueInMs: 4 }], 1, 4],
    [
      "when the first of several batches may leave",
      [
        { missing: 60, dueInMs: 9 },
        { missing: 5, dueInMs: 40 },
      ],
      1,
      5,
    ],
    ["late when what waits is full and waits for a credit", [{ missing: 0, dueInMs: 40 }], 1, 10],
    ["late when what waits is overdue and waits for a credit", [{ missing: 30, dueInMs: -5 }], 1, 10],
    ["not at once, however soon that is", [{ missing: 1, dueInMs: 0.1 }], 5, 2],
    ["late when nothing has come for long", [{ missing: 30, dueInMs: 40 }], 0, 10],
  ])("%s", (_name, batches, perMs, pauseMs) => {
    expect(readPauseMs(batches, perMs, PACING)).toBe(pauseMs);
  });

  test("never sooner or later than it may", () => {
    const batches = fc.array(
      fc.record({ missing: fc.integer({ min: -64, max: 64 }), dueInMs: fc.integer({ min: -50, max: 50 }) }),
    );
    fc.assert(
      fc.property(batches, fc.double({ min: 0, max: 100, noNaN: true }), (list, perMs) => {
        const pauseMs = readPauseMs(list, perMs, PACING);
        expect(pauseMs >= PACING.minMs && pauseMs <= PACING.maxMs).toBe(true);
      }),
    );
  });
});

test("the rate of arrivals is that of the last reads", () => {
  const rate = new ArrivalRate();
  expect(rate.perMs).toBe(0);
  for (let nowMs = 0; nowMs <= 200; nowMs += 5) rate.count(10, nowMs);
  expect(rate.perMs).toBeCloseTo(2, 1);
  for (let nowMs = 205; nowMs <= 400; nowMs += 5) rate.count(1, nowMs);
  expect(rate.perMs).toBeCloseTo(0.2, 1);
});
