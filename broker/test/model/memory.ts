import type { DeadLetter, DeadNotice, Notice } from "../../src/index.js";
import type { Action } from "./action.js";

/** What clients, batchers and workers know: what they were told, and what they did themselves. */
export interface Memory {
  /** Ids of tasks that were sent; a run has the id of the task that created it. */
  readonly taskIds: string[];
  /** Notices that batchers made. */
  readonly notices: Notice[];
  readonly claims: { readonly slot: string; readonly batchId: string; readonly runIds: readonly string[] }[];
  readonly deadNotices: DeadNotice[];
  readonly letters: DeadLetter[];
  readonly bindings: { readonly key: string; readonly taskId: string; readonly attempt: number }[];
  readonly admissions: Action[];
  /** Everything that was sent, the latest last. */
  readonly sent: Action[];
  /** How many ids were made. */
  made: number;
}

/** Nobody knows anything. */
export const createMemory = (): Memory => ({
  taskIds: [],
  notices: [],
  claims: [],
  deadNotices: [],
  letters: [],
  bindings: [],
  admissions: [],
  sent: [],
  made: 0,
});
