import { BrokerError, type ReadTaskReply } from "@sluice/broker";
import type { TaskWait } from "./task-waits.js";

/** Reads a task, as `readTask` of the broker does. */
export type ReadTask = (taskId: string) => Promise<ReadTaskReply>;

/**
 * Waits until a task is no longer open, or the wait ends.
 * @param wait opened before the task was admitted or read.
 * @param known what was read already; undefined: the task was just created, and nothing can be missed.
 * @returns the last thing read; undefined if nothing was. Redis trouble while it waits only makes it look again, and a
 * Redis that says nothing does not make it wait longer.
 */
export async function readUntilEnded(
  read: ReadTask,
  taskId: string,
  wait: TaskWait,
  known?: ReadTaskReply,
): Promise<ReadTaskReply | undefined> {
  let last = known;
  for (;;) {
    if (last && last.kind !== "open") return last;
    // The task is on a run that was not listened to until now: it may have ended in between.
    if (last && last.runId !== wait.runId) wait.follow(last.runId);
    else if ((await wait.next()) !== "look") return last;
    try {
      last = (await wait.unlessEnded(read(taskId))) ?? last;
    } catch (error) {
      if (!(error instanceof BrokerError && error.code === "storage-unavailable")) throw error;
    }
  }
}
