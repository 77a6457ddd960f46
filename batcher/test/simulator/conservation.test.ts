import { expect, test } from "vitest";
import { atLoad, runExperiment } from "../../src/simulator/experiment.js";
import { capacityPerMs, LINE } from "../../src/simulator/gpu-curve.js";
import { ADAPTIVE_DEFAULTS, adaptivePolicy, eagerPolicy, fixedPolicy } from "../../src/simulator/simulated-policy.js";

/** With t fixed and a for each row, ms, and l arrivals per ms (Inoue, Performance Evaluation 147, 2021). */
function inoueBoundMs(t: number, a: number, l: number): number {
  const phi0 = ((a + t) / (2 * (1 - l * a))) * (1 + 2 * l * t + (1 - l * t) / (1 + l * a));
  const phi1 = (1.5 * t) / (1 - l * a) + ((a / 2) * (l * a + 2)) / (1 - (l * a) ** 2);
  return Math.min(phi0, phi1);
}

test.each([50, 300, 1_000, 2_000])("an eager server without a cap stays below Inoue's bound at %i/s", (perSecond) => {
  const load = perSecond / (capacityPerMs(LINE, 64) * 1_000);
  const { meanMs } = runExperiment(atLoad(LINE, load, { noise: 0, seconds: 60 }), eagerPolicy(10_000));
  const bound = inoueBoundMs(5, 0.25, perSecond / 1_000);
  expect(meanMs).toBeLessThanOrEqual(bound * 1.02);
  // It is a bound that is nearly met: a simulator that is too fast would show.
  expect(meanMs).toBeGreaterThan(bound * 0.9);
});

test("every task ends exactly once, also with twins, cancellations, deadlines and bulk work", () => {
  const experiment = atLoad(LINE, 1.2, {
    seconds: 10,
    servers: 2,
    noise: 0.3,
    deadlinesMs: [30, 100, 1_000],
    bulkShare: 0.3,
    inputs: { count: 10_000, exponent: 1 },
    cancelShare: 0.05,
  });
  for (const policy of [adaptivePolicy(ADAPTIVE_DEFAULTS), eagerPolicy(64), fixedPolicy(64, 50)]) {
    const { tasks, ends, unaccounted } = runExperiment(experiment, policy);
    expect(unaccounted).toBe(0);
    expect(ends.done + ends.late + ends.expired + ends.canceled).toBe(tasks);
    expect(ends.canceled).toBeGreaterThan(0);
  }
});
