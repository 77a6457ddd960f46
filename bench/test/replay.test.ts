import { describe, expect, test } from "vitest";
import { poissonSchedule } from "../src/load/poisson-schedule.js";
import { createRandom } from "../src/load/random.js";
import { simulateReplay } from "../src/replay/simulate-replay.js";
import { replayTable } from "../src/report/replay-table.js";

const TIMES = { callMs: 20, rowMs: 1 };
const LENGTH_MS = 60_000;

const replayAt = (ratePerS: number, overheadMs: number) =>
  simulateReplay(poissonSchedule({ ratePerS, durationMs: LENGTH_MS }, createRandom(1)), TIMES, {
    overheadMs,
    lengthMs: LENGTH_MS,
  });

describe("simulated replays", () => {
  test("tasks that come apart take as long as the model and the overhead", () => {
    const apart = Array.from({ length: 200 }, (_, index) => 250 * index);
    const { meanMs, p99Ms, meanBatch } = simulateReplay(apart, TIMES, { overheadMs: 4, lengthMs: LENGTH_MS });
    expect(meanMs).toBeCloseTo(25, 6);
    expect(p99Ms).toBeCloseTo(25, 6);
    expect(meanBatch).toBe(1);
  });

  test("a batch that takes longer keeps those back who come meanwhile, so more is added than the overhead", () => {
    for (const ratePerS of [50, 200, 500]) {
      const [ideal, real] = [replayAt(ratePerS, 0), replayAt(ratePerS, 4)];
      expect(real.meanMs - ideal.meanMs).toBeGreaterThan(4);
      expect(real.meanBatch).toBeGreaterThan(ideal.meanBatch);
    }
  });
});

test("the table sets measured and simulated figures side by side", () => {
  const figures = {
    ...{ answered: 1, perS: 200, meanMs: 40, p50Ms: 38, p90Ms: 60, p99Ms: 66, maxMs: 90, submitted: 1, checked: 1 },
    ...{ problems: [], lateP99Ms: 2, cpuUs: {}, othersShare: 0.01, meanBatch: 9 },
  };
  const load = { exchange: "submit-and-wait", pace: { kind: "open", ratePerS: 200 }, figures } as const;
  const simulated = { meanMs: 50, p99Ms: 60, meanBatch: 10 };
  const { rows, columns } = replayTable({ overheadMs: 4, rows: [{ load, simulated, ideal: simulated }] });
  expect(rows[0]?.slice(1, 9)).toEqual(["40.0", "50.0", "0.80x", "66.0", "60.0", "1.10x", "9.00", "10.0"]);
  expect(rows[0]).toHaveLength(columns.length);
});
