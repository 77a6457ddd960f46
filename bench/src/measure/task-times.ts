import { percentile } from "./percentile.js";

/** When tasks began and when they were answered: two lists of the same length, milliseconds on one monotonic clock. */
export interface TaskTimes {
  readonly startMs: readonly number[];
  readonly endMs: readonly number[];
}

/** The time that counts, after the warm-up. */
export interface Window {
  readonly openMs: number;
  readonly closeMs: number;
}

/** What the tasks of a window say. Latencies in milliseconds; NaN where no task is in the sample. */
export interface TaskSummary {
  /** Tasks answered within the window. */
  readonly answered: number;
  readonly perS: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/**
 * Sums a window up. Throughput counts what was answered in it. Latencies are those of the tasks that ended in it
 * (`end`: a closed loop, where the load follows the answers) or began in it (`start`: an open loop, where a task that
 * was due in the window must not be left out because it took long).
 */
export function summariseTasks(times: TaskTimes, window: Window, sampleBy: "start" | "end"): TaskSummary {
  const isInside = (atMs: number | undefined): boolean =>
    atMs !== undefined && atMs >= window.openMs && atMs < window.closeMs;
  const answered = times.endMs.filter(isInside).length;
  const sampled = sampleBy === "end" ? times.endMs : times.startMs;
  const latencies = Float64Array.from(
    sampled.flatMap((atMs, task) => (isInside(atMs) ? [(times.endMs[task] ?? 0) - (times.startMs[task] ?? 0)] : [])),
  ).sort();
  return {
    answered,
    perS: (answered * 1000) / (window.closeMs - window.openMs),
    meanMs: latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length,
    p50Ms: percentile(latencies, 0.5),
    p90Ms: percentile(latencies, 0.9),
    p99Ms: percentile(latencies, 0.99),
    maxMs: percentile(latencies, 1),
  };
}
