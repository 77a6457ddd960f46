import { expect, test } from "vitest";
import { atLoad, runExperiment } from "../../src/simulator/experiment.js";
import { LINE } from "../../src/simulator/gpu-curve.js";
import { ADAPTIVE_DEFAULTS, adaptivePolicy } from "../../src/simulator/simulated-policy.js";

/** 100 minutes in one needs 100 on an idle machine; a slow one that compiles this for the first time may have less. */
const LEAST_SECONDS_A_CPU_SECOND = 20;

test("the simulator is many times faster than what it simulates", { timeout: 60_000 }, () => {
  const experiment = atLoad(LINE, 0.5, { seconds: 120 });
  const before = process.cpuUsage();
  const { tasks } = runExperiment(experiment, adaptivePolicy(ADAPTIVE_DEFAULTS));
  const { user, system } = process.cpuUsage(before);
  expect(tasks).toBeGreaterThan(150_000);
  expect(experiment.seconds / ((user + system) / 1e6)).toBeGreaterThan(LEAST_SECONDS_A_CPU_SECOND);
});
