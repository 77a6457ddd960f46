import {
  bindIdempotencyKey,
  BrokerError,
  type ConfirmedWrites,
  confirmIdempotencyKey,
  DEFAULT_ZONE,
  type IdempotentTask,
  type LiveSettings,
  parseTaskId,
  type RedisClient,
  releaseIdempotencyKey,
  taskKeptMs,
} from "@sluice/broker";
import { createHash } from "node:crypto";
import type { Logger } from "pino";
import { confirmKey } from "./lasting-key.js";
import { type Order, type PlannedTask, ttlMsOf } from "./plan-task.js";

/** A planned task that its Idempotency-Key names. */
export interface BoundTask {
  readonly task: PlannedTask;
  /** The task was admitted by an earlier request with this key. */
  readonly admitted: boolean;
  /** So lately that Redis must know it. */
  readonly remembered: boolean;
  /** See `confirmKey`. */
  readonly confirmKey: () => () => Promise<void>;
  /** Notes that the task is admitted. */
  readonly confirm: () => Promise<void>;
  /** Gives the key back: the task was refused. @returns whether nobody else has, had or will get its id. */
  readonly release: () => Promise<boolean>;
}

/** What binding needs. */
export interface BindDeps {
  readonly redis: RedisClient;
  readonly writes: Pick<ConfirmedWrites, "lasting" | "confirms">;
  readonly settings: Pick<LiveSettings, "current">;
  readonly log: Logger;
}

/** Plans an order for the version that its model has, and its zone. */
export type PlanOrder = (order: Order) => PlannedTask;

/** @throws BrokerError invalid-request for a key that is not 1 to 255 visible ASCII characters */
export function parseIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (typeof header === "string" && /^[\x21-\x7e]{1,255}$/.test(header)) return header;
  throw new BrokerError("invalid-request", "an Idempotency-Key has 1 to 255 visible ASCII characters");
}

/**
 * Binds an order to its Idempotency-Key: the first request with it decides task id, model version and zone, and repeats
 * take these, also when the model has changed since, or they come in another zone.
 * @throws BrokerError idempotency-key-reused | request-in-progress | model-not-found | storage-unavailable
 */
export async function bindOrder(deps: BindDeps, order: Order, key: string, plan: PlanOrder): Promise<BoundTask> {
  const { owner, model } = order;
  const planned = plan(order);
  const fingerprint = fingerprintOf(order);
  const settings = deps.settings.current().forModel(model.name);
  const keptMs = taskKeptMs(settings, ttlMsOf(order, settings), model.cacheTtlS);
  const request = { owner, key, fingerprint, taskId: planned.taskId, version: placeWord(order), keptMs };
  const bound = await bindIdempotencyKey(deps.redis, request);
  const binding = { owner, key, taskId: bound.taskId, attempt: bound.attempt };
  const quietly = async <Result>(action: Promise<Result>): Promise<Result | undefined> => {
    try {
      return await action;
    } catch (error) {
      // A key that stays bound is taken over by the next request with the same body.
      deps.log.warn({ err: error }, "idempotency key not updated");
      return undefined;
    }
  };
  const release = async () => (await quietly(releaseIdempotencyKey(deps.redis, binding))) ?? false;
  const confirm = async () => void (await quietly(confirmIdempotencyKey(deps.redis, binding)));
  try {
    const task = bound.taskId === planned.taskId ? planned : replan(bound, plan(parsePlaceWord(order, bound.version)));
    const { admitted, remembered, taskId, version, attempt } = bound;
    const keepKey = () => confirmKey(deps.writes, { ...request, taskId, version, attempt });
    return { task, admitted, remembered, confirmKey: keepKey, confirm, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** The plan of the first request with the key. Its id names the shard that its digest had. */
function replan(bound: IdempotentTask, planned: PlannedTask): PlannedTask {
  if (!bound.admitted && parseTaskId(bound.taskId)?.shard !== planned.digest.shard) {
    throw new BrokerError("model-not-found", "the model that was the default for this request is not any more");
  }
  return { ...planned, taskId: bound.taskId };
}

/** Version and zone in one word, which is the version alone in deployments with one zone. */
function placeWord({ model, zone }: Order): string {
  return zone === DEFAULT_ZONE ? model.version : `${model.version}@${zone}`;
}

function parsePlaceWord(order: Order, word: string): Order {
  const [version = "", zone = DEFAULT_ZONE] = word.split("@");
  return { ...order, zone, model: { ...order.model, version } };
}

/** Equal for requests that ask for the same, whatever version was resolved for them. */
function fingerprintOf({ submission, row }: Order): string {
  const { input, model, clientId, priority, deadlineMs, dedupe, view } = submission;
  const options = [input.kind, model, clientId, priority, deadlineMs, dedupe, view.topK, view.threshold, row.signature];
  const hash = createHash("sha256");
  hash.update(JSON.stringify(options.map((option) => option ?? null)));
  return hash.update(row.content).digest("base64url");
}
