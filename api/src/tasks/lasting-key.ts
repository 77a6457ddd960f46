import {
  BrokerError,
  type ConfirmedWrites,
  type IdempotentRequest,
  namesTask,
  rebindIdempotencyKey,
  shardOfIdempotencyKey,
} from "@sluice/broker";
import { REPEAT_AFTER_MS } from "./admit-order.js";

/**
 * Begins to confirm the binding of an Idempotency-Key, which may lie on another master than its task: a key that is
 * lost makes a second task of a repetition. Beside the admission, for either confirmation may take a second.
 * @param request with the task that the key names, and the number of its attempt.
 * @returns resolves when the key lasts, and is called when the task is admitted: a key that was lost meanwhile is bound
 * to it again. @throws BrokerError durability-unconfirmed
 */
export function confirmKey(
  writes: Pick<ConfirmedWrites, "lasting" | "confirms">,
  request: IdempotentRequest & { readonly attempt: number },
): () => Promise<void> {
  if (!writes.confirms) return () => Promise.resolve();
  const shard = shardOfIdempotencyKey(request);
  const names = writes.lasting(shard, (redis) => namesTask(redis, request, request.taskId)).catch(() => false);
  return async () => {
    if (await names) return;
    await bindAgain(() => writes.lasting(shard, (redis) => rebindIdempotencyKey(redis, request, request.attempt)));
  };
}

/** @param bind whether the key names its task, for good. */
async function bindAgain(bind: () => Promise<boolean>): Promise<void> {
  let last: unknown;
  for (const pauseMs of REPEAT_AFTER_MS) {
    try {
      if (await bind()) return;
      last = new Error("another request bound the key");
      break;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  throw new BrokerError("durability-unconfirmed", "an Idempotency-Key may not last", { cause: last });
}
