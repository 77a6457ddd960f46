import { OUTCOMES, type Outcome } from "./attempt-outcome.js";

/** Tasks of one client in columns, one entry a task; milliseconds since the first phase began. */
export interface OverloadTasks {
  readonly dueMs: Float64Array;
  readonly sentMs: Float64Array;
  readonly endMs: Float64Array;
  /** Places in `OUTCOMES`. */
  readonly outcome: Uint8Array;
}

/** One task. */
export interface OverloadTask {
  readonly dueMs: number;
  readonly sentMs: number;
  readonly endMs: number;
  readonly outcome: Outcome;
}

/** Columns of these tasks: some hundred thousand of them travel between processes. */
export function toColumns(tasks: readonly OverloadTask[]): OverloadTasks {
  return {
    dueMs: Float64Array.from(tasks, ({ dueMs }) => dueMs),
    sentMs: Float64Array.from(tasks, ({ sentMs }) => sentMs),
    endMs: Float64Array.from(tasks, ({ endMs }) => endMs),
    outcome: Uint8Array.from(tasks, ({ outcome }) => OUTCOMES.indexOf(outcome)),
  };
}

/** The tasks of these columns, all times shifted. @param shiftMs from the client's beginning to that of all. */
export function fromColumns({ dueMs, sentMs, endMs, outcome }: OverloadTasks, shiftMs = 0): OverloadTask[] {
  return Array.from(dueMs, (due, task) => ({
    dueMs: due + shiftMs,
    sentMs: (sentMs[task] ?? 0) + shiftMs,
    endMs: (endMs[task] ?? 0) + shiftMs,
    outcome: OUTCOMES[outcome[task] ?? 0] ?? "failed",
  }));
}
