import { type Arrivals, poisson } from "./arrivals.js";
import { capacityPerMs, type GpuCurve } from "./gpu-curve.js";
import { createRandomSource, type RandomSource } from "./random-source.js";
import { simulate } from "./simulate.js";
import type { PolicyMaker } from "./simulated-policy.js";
import type { Outcome } from "./tally.js";
import { makeTasks, type TaskTraits } from "./tasks.js";

/** One workload on one set of servers. */
export interface Experiment extends TaskTraits {
  readonly curve: GpuCurve;
  readonly servers: number;
  /** Coefficient of variation of service times. */
  readonly noise: number;
  readonly seconds: number;
  readonly seed: number;
  /** What is not counted at the beginning. @defaultValue `WARM_UP_SHARE` of all */
  readonly warmUpMs?: number;
  arrivals(random: RandomSource): Arrivals;
  /** How much longer than its curve a batch takes that starts now. @defaultValue 1 */
  slowdown?(nowMs: number): number;
}

/** What part of an experiment is not counted if it does not say: policies that learn have learned nothing yet. */
export const WARM_UP_SHARE = 0.1;

/** Poisson arrivals at a part of what the servers can do with batches of 64, noise 0.1. */
export function atLoad(
  curve: GpuCurve,
  load: number,
  change: Partial<Experiment> = {},
): Experiment & { readonly perSecond: number } {
  const servers = change.servers ?? 1;
  const perSecond = load * servers * capacityPerMs(curve, 64) * 1_000;
  return {
    curve,
    servers,
    perSecond,
    noise: 0.1,
    seconds: 30,
    seed: 1,
    arrivals: (random) => poisson(perSecond, random),
    ...change,
  };
}

/** Every policy sees the same arrivals, and the n-th batch of each has the same noise. */
export function runExperiment(experiment: Experiment, policy: PolicyMaker): Outcome {
  const { curve, servers, noise, seconds, seed } = experiment;
  const noises = createRandomSource(seed + 1);
  return simulate({
    tasks: makeTasks(experiment.arrivals(createRandomSource(seed)), experiment, createRandomSource(seed + 2)),
    endMs: seconds * 1_000,
    countFromMs: experiment.warmUpMs ?? seconds * 1_000 * WARM_UP_SHARE,
    servers,
    serviceMs: (size, nowMs) => curve.meanMs(size) * noises.noise(noise) * (experiment.slowdown?.(nowMs) ?? 1),
    policy,
  });
}
