import {
  bindIdempotencyKey,
  BrokerError,
  confirmIdempotencyKey,
  parseTaskId,
  type RedisClient,
  releaseIdempotencyKey,
} from "@sluice/broker";
import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { type Order, type PlannedTask, planTask } from "./plan-task.js";

/** A planned task, and what its Idempotency-Key has to say. */
export interface BoundTask {
  readonly task: PlannedTask;
  /** The task was admitted by an earlier request with this key. */
  readonly admitted: boolean;
  /** Notes that the task is admitted. */
  confirm(): Promise<void>;
  /** Forgets the key: the task was refused. */
  release(): Promise<void>;
}

/** @throws BrokerError invalid-request for a key that is not 1 to 255 visible ASCII characters */
export function parseIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new BrokerError("invalid-request", "an Idempotency-Key has 1 to 255 visible ASCII characters");
}

const UNKEYED = { admitted: false, confirm: async () => undefined, release: async () => undefined };

/**
 * Plans an order; with an Idempotency-Key, the first request with it decides task id and model version, and repeats
 * take these, also when the model has changed since.
 * @throws BrokerError idempotency-key-reused | request-in-progress | model-not-found | storage-unavailable
 */
export async function bindOrder(
  deps: { readonly redis: RedisClient; readonly log: Logger; readonly unique: () => string },
  order: Order,
  nowMs: number,
): Promise<BoundTask> {
  const { owner, model, key } = order;
  const planned = planTask(order, model.version, nowMs, deps.unique);
  if (key === undefined) return { task: planned, ...UNKEYED };
  const fingerprint = fingerprintOf(order);
  const request = { owner, key, fingerprint, taskId: planned.taskId, version: model.version };
  const bound = await bindIdempotencyKey(deps.redis, request);
  const quietly = async (action: Promise<void>) => {
    try {
      await action;
    } catch (error) {
      // A key that stays bound is taken over by the next request with the same body.
      deps.log.warn({ err: error }, "idempotency key not updated");
    }
  };
  return {
    task: bound.taskId === planned.taskId ? planned : replan(order, bound, nowMs),
    admitted: bound.admitted,
    confirm: () => quietly(confirmIdempotencyKey(deps.redis, owner, key)),
    release: () => quietly(releaseIdempotencyKey(deps.redis, owner, key)),
  };
}

/** The plan of the first request with the key. Its id names the shard that its digest had. */
function replan(
  order: Order,
  bound: { taskId: string; version: string; admitted: boolean },
  nowMs: number,
): PlannedTask {
  const planned = { ...planTask(order, bound.version, nowMs, () => ""), taskId: bound.taskId };
  if (!bound.admitted && parseTaskId(bound.taskId)?.shard !== planned.digest.shard) {
    throw new BrokerError("model-not-found", "the model that was the default for this request is not any more");
  }
  return planned;
}

/** Equal for requests that ask for the same, whatever version was resolved for them. */
function fingerprintOf({ submission, row }: Order): string {
  const { input, model, clientId, priority, deadlineMs, dedupe, view } = submission;
  const options = [input.kind, model, clientId, priority, deadlineMs, dedupe, view.topK, view.threshold, row.signature];
  const hash = createHash("sha256");
  hash.update(JSON.stringify(options.map((option) => option ?? null)));
  return hash.update(row.bytes).digest("base64url");
}
