import { expect, test } from "vitest";
import { atLoad, runExperiment } from "../../src/simulator/experiment.js";
import { LINE } from "../../src/simulator/gpu-curve.js";
import { ADAPTIVE_DEFAULTS, type AdaptiveSettings, adaptivePolicy } from "../../src/simulator/simulated-policy.js";

const adaptive = (change: Partial<AdaptiveSettings>) => adaptivePolicy({ ...ADAPTIVE_DEFAULTS, ...change });

test("GPU time for each task never rises with thrift", { timeout: 60_000 }, () => {
  const times = [0, 0.5, 1, 2, 5].map(
    (thrift) => runExperiment(atLoad(LINE, 0.3, { noise: 0 }), adaptive({ thrift })).gpuMsPerRow,
  );
  for (const [index, ms] of times.entries()) expect(ms).toBeLessThanOrEqual((times[index - 1] ?? Infinity) * 1.001);
  expect(times.at(-1)).toBeLessThan(0.65 * (times[0] ?? 0));
});

test.each([1, 2, 4, 8])("nobody waits longer than max_wait while one of %i servers is free", (servers) => {
  // So that batches are not full before.
  const experiment = atLoad(LINE, 0.2 / servers, { servers, noise: 0.3, seconds: 10 });
  for (const maxWaitMs of [5, 50]) {
    const { longestIdleWaitMs } = runExperiment(experiment, adaptive({ thrift: 50, maxWaitMs }));
    expect(longestIdleWaitMs).toBeLessThanOrEqual(maxWaitMs + 1e-3);
    expect(longestIdleWaitMs).toBeGreaterThan(0.5 * maxWaitMs);
  }
});

test("bulk work does not starve while work that is wanted now keeps the servers busy", () => {
  const experiment = atLoad(LINE, 0.95, { seconds: 20, bulkShare: 0.1 });
  const { longestMs, ends, tasks } = runExperiment(experiment, adaptive({}));
  expect(longestMs.bulk).toBeGreaterThan(0);
  expect(longestMs.bulk).toBeLessThan(2_000);
  expect(ends.done).toBe(tasks);
});
