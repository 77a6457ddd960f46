import { summariseTasks, type TaskSummary, type Window } from "../measure/task-times.js";
import type { TaskProblem } from "./exchange.js";

/** Tasks that went wrong in the same way. */
export interface ProblemCount extends TaskProblem {
  readonly count: number;
}

/** What a load generator has seen. */
export interface LoadReport extends TaskSummary {
  /** All tasks of the run, its warm-up and its end as well. */
  readonly submitted: number;
  /** Tasks whose answers were compared with the right ones. */
  readonly checked: number;
  /** Empty if every task of the run was answered well. */
  readonly problems: readonly ProblemCount[];
  /** How far a loaded machine made the generator late, 99th percentile: the latencies include it. 0 in a closed loop. */
  readonly lateP99Ms: number;
}

/** Collects what becomes of tasks. */
export interface LoadRecorder {
  /** Whether the next task's answer is to be compared. */
  nextIsChecked(): boolean;
  /** A task that began at `startMs` has ended at `endMs`. */
  ended(startMs: number, endMs: number, problem: TaskProblem | undefined): void;
  /** The report; tasks with problems are in no figure but their own. */
  report(window: Window, sampleBy: "start" | "end"): Omit<LoadReport, "lateP99Ms">;
}

/** Problems are counted by their first characters: ids and times make the rest differ. */
const DISTINCT_CHARACTERS = 60;

/** A recorder that has every `checkEvery`-th answer compared. */
export function createLoadRecorder({ checkEvery }: { readonly checkEvery: number }): LoadRecorder {
  const times = { startMs: [] as number[], endMs: [] as number[] };
  const problems = new Map<string, ProblemCount>();
  let submitted = 0;
  let checked = 0;
  return {
    nextIsChecked: () => {
      const isChecked = submitted++ % checkEvery === 0;
      if (isChecked) checked++;
      return isChecked;
    },
    ended: (startMs, endMs, problem) => {
      if (problem === undefined) {
        times.startMs.push(startMs);
        times.endMs.push(endMs);
        return;
      }
      const key = problem.kind + problem.detail.slice(0, DISTINCT_CHARACTERS);
      problems.set(key, { ...problem, count: (problems.get(key)?.count ?? 0) + 1 });
    },
    report: (window, sampleBy) => ({
      ...summariseTasks(times, window, sampleBy),
      submitted,
      checked,
      problems: [...problems.values()],
    }),
  };
}
