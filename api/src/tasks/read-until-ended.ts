import { BrokerError, type CarriedResult, type ReadTaskReply } from "@sluice/broker";
import type { TaskWait } from "./task-waits.js";

/** What a wake-up brought of a task's own run, and whose the task is. */
export interface HeardResult {
  readonly owner: string;
  readonly result: CarriedResult;
}

/** Reads a task, as `readTask` of the broker does; or takes what was heard of it, if that counts as much. */
export type ReadTask = (taskId: string, heard?: HeardResult) => Promise<ReadTaskReply>;

/** A task that was just created on a run of its own, and has not been read. */
export interface CreatedTask {
  readonly kind: "created";
  readonly owner: string;
}

/**
 * Waits until a task is no longer open, or the wait ends.
 * @param wait opened before the task was admitted or read.
 * @param known what was read already; of a task that was just created nothing can be missed.
 * @returns the last thing read; undefined if nothing was. Redis trouble while it waits only makes it look again, and a
 * Redis that says nothing does not make it wait longer.
 */
export async function readUntilEnded(
  read: ReadTask,
  taskId: string,
  wait: TaskWait,
  known: ReadTaskReply | CreatedTask,
): Promise<ReadTaskReply | undefined> {
  const { owner } = { owner: "", ...known };
  let last = known.kind === "created" ? undefined : known;
  for (;;) {
    if (last && last.kind !== "open") return last;
    // The task is on a run that was not listened to until now: it may have ended in between.
    if (last && last.runId !== wait.runId) wait.follow(last.runId);
    else if ((await wait.next()) !== "look") return last;
    // A result comes with the wake-up of a run that has one task only, whose id it has.
    const heard = wait.result?.runId === taskId ? { owner, result: wait.result } : undefined;
    try {
      last = (await wait.unlessEnded(read(taskId, heard))) ?? last;
    } catch (error) {
      if (!(error instanceof BrokerError && error.code === "storage-unavailable")) throw error;
    }
  }
}
