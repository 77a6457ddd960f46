import { ADAPTIVE_DEFAULTS, adaptivePolicy, lineCurve, replay, runExperiment } from "@sluice/batcher/simulator";
import type { SleepTimes } from "../overload/overload-model.js";

/** What the simulator makes of recorded arrivals. */
export interface SimulatedReplay {
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly meanBatch: number;
}

/**
 * Simulates arrivals on one server that takes as long as the sleep model, and so much longer for each batch.
 * The adaptive rule is set as the defaults say, and its first tenth is not counted.
 * @param overheadMs what a batch takes beside the model.
 */
export function simulateReplay(
  scheduleMs: readonly number[],
  { callMs, rowMs }: SleepTimes,
  { overheadMs, lengthMs }: { readonly overheadMs: number; readonly lengthMs: number },
): SimulatedReplay {
  const { meanMs, p99Ms, meanBatch } = runExperiment(
    {
      curve: lineCurve(callMs + overheadMs, rowMs),
      servers: 1,
      noise: 0,
      seconds: lengthMs / 1_000,
      seed: 1,
      arrivals: () => replay(scheduleMs),
    },
    adaptivePolicy(ADAPTIVE_DEFAULTS),
  );
  return { meanMs, p99Ms, meanBatch };
}
