import { BrokerError, keepMs, parseTaskId, type ReadTaskReply, type Settings } from "@sluice/broker";
import type { KnownTask } from "../views/task-view.js";

/**
 * A task that the caller may see.
 * @throws BrokerError task-not-found (also for another owner's: nobody learns that it exists) | result-expired for one
 * that is gone and, by the time in its id, could have been kept no longer
 */
export function requireTask(
  taskId: string,
  reply: ReadTaskReply,
  caller: { readonly owner: string; readonly nowMs: number; readonly settings: Settings },
): KnownTask {
  if (reply.kind === "none") throw missingTask(taskId, caller.settings, caller.nowMs);
  if (reply.owner !== caller.owner) throw new BrokerError("task-not-found", "there is no such task");
  if (reply.kind === "gone") throw new BrokerError("result-expired", "the result is no longer kept");
  return reply;
}

/** The error for an id that Redis does not know. A task is remembered for longer than `keepMs` after it was made. */
export function missingTask(taskId: string, settings: Settings, nowMs: number): BrokerError {
  const createdMs = parseTaskId(taskId)?.createdMs ?? Infinity;
  return createdMs + keepMs(settings, undefined) < nowMs
    ? new BrokerError("result-expired", "the result is no longer kept")
    : new BrokerError("task-not-found", "there is no such task");
}
