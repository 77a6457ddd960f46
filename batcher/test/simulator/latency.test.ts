import { expect, test } from "vitest";
import { bursts, onOff, ramp } from "../../src/simulator/arrivals.js";
import { atLoad, type Experiment, runExperiment } from "../../src/simulator/experiment.js";
import { A100, CAPTIONING, type GpuCurve, LINE } from "../../src/simulator/gpu-curve.js";
import { ADAPTIVE_DEFAULTS, adaptivePolicy, fixedPolicy } from "../../src/simulator/simulated-policy.js";

/** Enough for means that differ by a few hundredths. */
const TASKS = 20_000;
/** Windows that a careful operator might try; without a wait a batch leaves as soon as a server is free. */
const WINDOWS = [
  [64, 0],
  [64, 2],
  [64, 10],
  [32, 0],
] as const;

interface Workload {
  readonly name: string;
  readonly experiment: Experiment;
}

/** `npm run simulate` has all curves at many more loads. */
const POISSON: Workload[] = (
  [
    [LINE, 0.05, 1],
    [LINE, 0.5, 4],
    [LINE, 0.9, 1],
    [A100, 0.9, 1],
    [A100, 0.5, 4],
    [CAPTIONING, 0.5, 1],
    [CAPTIONING, 0.9, 4],
  ] as const
).map(([curve, load, servers]) => {
  const experiment = atLoad(curve, load, { servers });
  return {
    name: `${curve.name} at ${load} on ${servers}`,
    experiment: { ...experiment, seconds: TASKS / experiment.perSecond },
  };
});
const BURSTS = { lowPerSecond: 100, highPerSecond: 2_500, stayMs: 500 };
const OTHERS: Workload[] = [
  {
    name: "bursts",
    experiment: { ...atLoad(LINE, 0.5, { seconds: 12 }), arrivals: (random) => bursts(BURSTS, random) },
  },
  {
    name: "on and off",
    experiment: { ...atLoad(LINE, 0.5, { seconds: 16 }), arrivals: (random) => onOff(2_000, 300, random) },
  },
  {
    name: "a ramp",
    experiment: { ...atLoad(LINE, 0.5, { seconds: 12 }), arrivals: (random) => ramp(2_900, 8_000, random) },
  },
  { name: "8 servers, noisy", experiment: atLoad(LINE, 0.6, { servers: 8, noise: 0.3, seconds: 2 }) },
];

/** What is known once all sizes have been tried: the rule is judged here, not how it learns. */
function learned(curve: GpuCurve) {
  const sizes = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64];
  return sizes.flatMap((size) => Array.from({ length: 16 }, () => ({ size, serviceMs: curve.meanMs(size) })));
}

test.each([...POISSON, ...OTHERS])(
  "without thrift it is no slower than eager (1.03 x) and the best fixed window (1.05 x): $name",
  { timeout: 60_000 },
  ({ experiment }) => {
    // Captions cannot be had within half a second at a high load, whatever the batches are.
    const sloMs = experiment.curve === CAPTIONING ? 5_000 : 500;
    const policy = adaptivePolicy({ ...ADAPTIVE_DEFAULTS, sloMs, known: learned(experiment.curve) });
    const { meanMs } = runExperiment(experiment, policy);
    const meansMs = WINDOWS.map(([size, waitMs]) => runExperiment(experiment, fixedPolicy(size, waitMs)).meanMs);
    const [eager = 0] = meansMs;
    expect(meanMs).toBeLessThanOrEqual(1.03 * eager);
    expect(meanMs).toBeLessThanOrEqual(1.05 * Math.min(...meansMs));
  },
);

test("control: a window that suits a high load is too slow at a low one", () => {
  const experiment = atLoad(LINE, 0.05, { seconds: 20 });
  const { meanMs } = runExperiment(experiment, fixedPolicy(64, 50));
  expect(meanMs).toBeGreaterThan(1.05 * runExperiment(experiment, fixedPolicy(64, 0)).meanMs);
});

test("it adds less than a millisecond when hardly anything arrives", () => {
  const experiment = atLoad(LINE, 0.001, { noise: 0, seconds: 600 });
  const { meanMs } = runExperiment(experiment, adaptivePolicy(ADAPTIVE_DEFAULTS));
  expect(meanMs - LINE.meanMs(1)).toBeLessThan(1);
});
