import { type ConfirmedWrites, parseTaskId, readTask, type ReadTaskReply, type RedisClient } from "@sluice/broker";
import type { ReadTask } from "./read-until-ended.js";
import type { TaskBlobs } from "./task-blobs.js";

/** What reading needs. */
export interface TaskReaderDeps {
  readonly redis: RedisClient;
  readonly writes: Pick<ConfirmedWrites, "lasting" | "confirms">;
  readonly blobs: Pick<TaskBlobs, "retire">;
}

/**
 * Reads tasks, or spares that where the wake-up brought the result. A terminal state is told only when it lasts as long as the task's admission was promised to: else a
 * failover could bring the run back, and the task would end a second time, otherwise. Whoever reads a task past its
 * deadline may be the one who expires it, and then its blob goes too.
 */
export function createTaskReader({ redis, writes, blobs }: TaskReaderDeps): ReadTask {
  return async (taskId, heard) => {
    if (heard && !writes.confirms)
      return { kind: "done", state: "SUCCESS", owner: heard.owner, ...NO_ERROR, ...heard.result };
    const seen = await readTask(redis, taskId);
    if (seen.kind !== "done" && seen.kind !== "left") return seen;
    const told = writes.confirms ? await readLasting(writes, taskId) : seen;
    if (seen.kind === "left" && told.kind === "left" && seen.orphanBlob !== "") blobs.retire(seen.orphanBlob);
    return told;
  };
}

const NO_ERROR = { error: Buffer.alloc(0) };

/** Once more, on the connection that confirms: the other may still be to a server that was replaced. */
function readLasting(writes: Pick<ConfirmedWrites, "lasting">, taskId: string): Promise<ReadTaskReply> {
  const shard = parseTaskId(taskId)?.shard ?? 0;
  return writes.lasting(shard, (redis) => readTask(redis, taskId));
}
