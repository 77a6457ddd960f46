import type { BatchReason } from "@sluice/broker";

import type { SimulatedTask, Simulation } from "./simulate.js";

/** How a simulated task can end; `late`: done, but after its deadline. */
export type TaskEnd = "done" | "late" | "expired" | "canceled";

/** What came of a simulation. Only tasks that arrived after the warm-up count. */
export interface Outcome {
  readonly tasks: number;
  /** How many of them arrived in a second. */
  readonly perSecond: number;
  readonly ends: Readonly<Record<TaskEnd, number>>;
  /** Tasks that ended twice, or not at all: must be 0. */
  readonly unaccounted: number;
  /** From arrival to answer, of all that were done, milliseconds. */
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Done in time, of all that arrived, canceled ones aside. */
  readonly goodput: number;
  readonly meanBatch: number;
  /** Of all servers' time. */
  readonly gpuShare: number;
  /** GPU time for each row, milliseconds. */
  readonly gpuMsPerRow: number;
  readonly reasons: Readonly<Partial<Record<BatchReason, number>>>;
  /** The longest that anybody waited for a batch while a server was free, milliseconds. */
  readonly longestIdleWaitMs: number;
  /** The longest that anybody of a class waited for an answer, milliseconds. */
  readonly longestMs: Readonly<Record<"now" | "bulk", number>>;
  /** How many ended how in each tenth of a second from the start on: for what changes in the middle. */
  readonly tenths: readonly Readonly<Record<TaskEnd, number>>[];
}

/** Counts what happens in a simulation. */
export interface Tally {
  arrived(task: SimulatedTask): void;
  started(batch: {
    readonly size: number;
    readonly reason: BatchReason;
    readonly serviceMs: number;
    readonly waitMs: number;
    readonly nowMs: number;
  }): void;
  ended(task: SimulatedTask, end: TaskEnd, nowMs: number): void;
  outcome(): Outcome;
}

/** Length of an entry of `tenths`, milliseconds. */
const TENTH_MS = 100;

const noEnds = (): Record<TaskEnd, number> => ({ done: 0, late: 0, expired: 0, canceled: 0 });

/** The sum of those tenths that begin at `fromMs` or later. */
export function endsFrom({ tenths }: Outcome, fromMs: number): Record<TaskEnd, number> {
  const sum = noEnds();
  for (const ends of tenths.slice(Math.ceil(fromMs / TENTH_MS))) {
    for (const end of ["done", "late", "expired", "canceled"] as const) sum[end] += ends[end];
  }
  return sum;
}

/** An empty tally. */
export function createTally({ countFromMs, endMs, servers }: Simulation): Tally {
  const open = new Set<SimulatedTask>();
  const ends = noEnds();
  const tenths: Record<TaskEnd, number>[] = [];
  const latencies: number[] = [];
  const reasons: Partial<Record<BatchReason, number>> = {};
  const longestMs = { now: 0, bulk: 0 };
  let [tasks, endedTwice, batches, rows, gpuMs, busyMs, longestIdleWaitMs] = [0, 0, 0, 0, 0, 0, 0];
  return {
    arrived(task) {
      open.add(task);
      if (task.arrivedMs >= countFromMs) tasks++;
    },
    started({ size, reason, serviceMs, waitMs, nowMs }) {
      if (nowMs < countFromMs) return;
      longestIdleWaitMs = Math.max(longestIdleWaitMs, waitMs);
      batches++;
      rows += size;
      gpuMs += serviceMs;
      busyMs += Math.max(0, Math.min(endMs, nowMs + serviceMs) - nowMs);
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    },
    ended(task, end, nowMs) {
      if (!open.delete(task)) endedTwice++;
      if (task.arrivedMs < countFromMs) return;
      ends[end]++;
      const tenth = Math.floor(nowMs / TENTH_MS);
      while (tenths.length <= tenth) tenths.push(noEnds());
      const endsNow = tenths[tenth];
      if (endsNow) endsNow[end]++;
      if (end !== "done" && end !== "late") return;
      const tookMs = nowMs - task.arrivedMs;
      latencies.push(tookMs);
      longestMs[task.batchClass] = Math.max(longestMs[task.batchClass], tookMs);
    },
    outcome() {
      const sorted = new Float64Array(latencies).sort();
      const at = (share: number): number =>
        sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
      return {
        tasks,
        perSecond: (1_000 * tasks) / (endMs - countFromMs),
        ends,
        unaccounted: open.size + endedTwice,
        meanMs: sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length,
        p50Ms: at(0.5),
        p99Ms: at(0.99),
        goodput: ends.done / (tasks - ends.canceled),
        meanBatch: rows / batches,
        gpuShare: busyMs / (servers * (endMs - countFromMs)),
        gpuMsPerRow: gpuMs / rows,
        reasons,
        longestIdleWaitMs,
        longestMs,
        tenths,
      };
    },
  };
}
