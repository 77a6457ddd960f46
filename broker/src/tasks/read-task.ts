import { BrokerError } from "../errors.js";
import { parseTaskId } from "../ids.js";
import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { type CancelReply, cancelScript } from "../scripts/cancel.js";
import { type ReadTaskReply, readTaskScript } from "../scripts/read-task.js";

/**
 * What a task says now. May store EXPIRED before it says so.
 * @throws BrokerError storage-unavailable
 */
export async function readTask(redis: RedisClient, taskId: string): Promise<ReadTaskReply> {
  return await readTaskScript.run(redis, { task: keys.task(shardOf(taskId), taskId) }, { taskId });
}

/**
 * Cancels a task of this owner. Idempotent; twins go on.
 * @throws BrokerError storage-unavailable
 */
export async function cancelTask(redis: RedisClient, taskId: string, owner: string): Promise<CancelReply> {
  return await cancelScript.run(redis, { task: keys.task(shardOf(taskId), taskId) }, { taskId, owner });
}

/** @throws BrokerError task-not-found for a text that is no task id: it never reaches a key. */
function shardOf(taskId: string): number {
  const parsed = parseTaskId(taskId);
  if (!parsed) throw new BrokerError("task-not-found", "not a task id");
  return parsed.shard;
}
