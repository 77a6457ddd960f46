import { describe, expect, test } from "vitest";
import { atLoad, type Experiment, runExperiment } from "../../src/simulator/experiment.js";
import { A100, A40, LINE, T4 } from "../../src/simulator/gpu-curve.js";
import { ADAPTIVE_DEFAULTS, adaptivePolicy, shrinkPolicy } from "../../src/simulator/simulated-policy.js";
import { endsFrom } from "../../src/simulator/tally.js";

const SLO_MS = 50;
const adaptive = adaptivePolicy({ ...ADAPTIVE_DEFAULTS, sloMs: SLO_MS });

/** Of what the server could do at best. */
function goodputShare(load: number, policy: Parameters<typeof runExperiment>[1]): number {
  const experiment = atLoad(LINE, load, { seconds: 10, deadlinesMs: [SLO_MS] });
  return runExperiment(experiment, policy).goodput / Math.min(1, 1 / load);
}

describe("goodput", () => {
  test.each([0.5, 0.8, 1.15, 1.5, 2, 3])("keeps 98 of 100 of what is possible at %d x", (load) => {
    expect(goodputShare(load, adaptive)).toBeGreaterThanOrEqual(0.98);
  });

  test("control: making batches small enough for their oldest task collapses", () => {
    expect(
      goodputShare(
        1.15,
        shrinkPolicy(64, (size) => LINE.meanMs(size)),
      ),
    ).toBeLessThan(0.5);
  });

  test.each([A100, A40, T4])("keeps 98 of 100 on measured curves, too: $name", (curve) => {
    const experiment = atLoad(curve, 1.3, { seconds: 10, deadlinesMs: [150] });
    const { goodput } = runExperiment(experiment, adaptivePolicy({ ...ADAPTIVE_DEFAULTS, sloMs: 150 }));
    expect(goodput * 1.3).toBeGreaterThanOrEqual(0.98);
  });

  test.each([0.75, 1.25])("is soon right where the curve is wrong by %d at first", (factor) => {
    const known = [1, 8, 32, 64].flatMap((size) =>
      [1, 2, 3].map(() => ({ size, serviceMs: factor * LINE.meanMs(size) })),
    );
    const experiment = atLoad(LINE, 0.9, { seconds: 20, deadlinesMs: [SLO_MS] });
    const policy = adaptivePolicy({ ...ADAPTIVE_DEFAULTS, known, sloMs: SLO_MS });
    expect(runExperiment(experiment, policy).goodput).toBeGreaterThan(0.98);
  });
});

test("two seconds after the GPU has become twice as slow, less than 1 in 100 answers is late", () => {
  const slowAtMs = 10_000;
  const experiment: Experiment = {
    ...atLoad(LINE, 0.45, { seconds: 20, deadlinesMs: [60] }),
    slowdown: (nowMs) => (nowMs < slowAtMs ? 1 : 2),
  };
  const outcome = runExperiment(experiment, adaptivePolicy({ ...ADAPTIVE_DEFAULTS, sloMs: 60 }));
  const { done, late, expired } = endsFrom(outcome, slowAtMs + 2_000);
  expect(done + late + expired).toBeGreaterThan(5_000);
  expect(late / (done + late + expired)).toBeLessThan(0.01);
});

test("who believes a model to be far too slow for every deadline finds out that it is not", () => {
  const known = [1, 2, 4, 8, 16, 32, 64].flatMap((size) =>
    Array.from({ length: 8 }, () => ({ size, serviceMs: 30 * LINE.meanMs(size) })),
  );
  const experiment = atLoad(LINE, 0.3, { seconds: 24, deadlinesMs: [60] });
  const outcome = runExperiment(experiment, adaptivePolicy({ ...ADAPTIVE_DEFAULTS, known, sloMs: 60 }));
  const { done, late, expired } = endsFrom(outcome, 16_000);
  expect(done + late + expired).toBeGreaterThan(5_000);
  expect(done / (done + late + expired)).toBeGreaterThan(0.9);
});
