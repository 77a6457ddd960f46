import { readTask, type RedisClient } from "@sluice/broker";
import type { ReadTask } from "./read-until-ended.js";
import type { TaskBlobs } from "./task-blobs.js";

/** Reads tasks. Whoever reads one past its deadline may be the one who expires it, and then its blob goes too. */
export function createTaskReader(redis: RedisClient, blobs: TaskBlobs): ReadTask {
  return async (taskId) => {
    const reply = await readTask(redis, taskId);
    if (reply.kind === "left" && reply.orphanBlob !== "") await blobs.drop(reply.orphanBlob);
    return reply;
  };
}
