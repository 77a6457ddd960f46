import { createHash } from "node:crypto";
import { BrokerError } from "../errors.js";
import { keys, SHARD_COUNT } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { type ClaimIdempotencyReply, claimIdempotencyScript } from "../scripts/claim-idempotency.js";
import { confirmIdempotencyScript } from "../scripts/confirm-idempotency.js";
import { releaseIdempotencyScript } from "../scripts/release-idempotency.js";

/*
 * The states of an Idempotency-Key. Requests that hold it in turn are its attempts, 1, 2, ...; all have the task id
 * of the first, so the task is admitted once however many of them get through.
 *
 *   unknown   no hash. The first request makes it HELD, by attempt 1.
 *   HELD      an attempt is admitting the task. Equal requests are told to come again (request-in-progress); if it
 *             has said nothing for 5 s, the next one takes over: HELD by the next attempt.
 *   ADMITTED  some attempt has admitted the task, which answers all equal requests. Nothing leads out but the TTL.
 *   VACANT    a later attempt was refused. Those before it may have been admitted without anybody knowing, so the
 *             task id must stay: a new one would be a second task. The next equal request takes over at once.
 *
 * HELD or VACANT for so long that the task, had it been admitted, could be forgotten is as good as unknown: the next
 * equal request binds the key to a task of its own.
 *
 * Attempt 1 that is refused while it holds the key takes it back to unknown. An attempt that is refused when it does
 * not hold the key any more changes nothing. A request with another body is refused in all states but unknown.
 */

/** How long a key is remembered. */
const KEY_TTL_MS = 24 * 60 * 60 * 1_000;
/** An admission that has said nothing for so long is believed dead and taken over. */
const TAKE_OVER_MS = 5_000;

/** An Idempotency-Key of a caller: what others call by the same name is another. */
export interface OwnedKey {
  readonly owner: string;
  readonly key: string;
}

/** A request that came with an Idempotency-Key. */
export interface IdempotentRequest extends OwnedKey {
  /** Equal for equal requests, whatever was resolved for them. */
  readonly fingerprint: string;
  /** The id to use if this request is the first. */
  readonly taskId: string;
  /** The model version resolved now; a repeat uses the one resolved first. */
  readonly version: string;
  /** How long the task is remembered if this request admits it; see `taskKeptMs`. */
  readonly keptMs: number;
}

/** What the caller must do: admit under this id and version, or just answer with it. */
export interface IdempotentTask {
  readonly taskId: string;
  readonly version: string;
  readonly admitted: boolean;
  /** Redis must still know the task, if it was admitted: it was so lately. */
  readonly remembered: boolean;
  /** Which attempt holds the key now: the caller's, unless the task is admitted. */
  readonly attempt: number;
}

/** A key, and the task that it named when it was bound. */
export interface IdempotencyBinding extends OwnedKey {
  readonly taskId: string;
  /** The attempt of whoever speaks. */
  readonly attempt: number;
}

/**
 * Finds or makes the binding of a key, before anything is admitted.
 * @throws BrokerError idempotency-key-reused | request-in-progress | storage-unavailable
 */
export async function bindIdempotencyKey(redis: RedisClient, request: IdempotentRequest): Promise<IdempotentTask> {
  const { fingerprint, taskId, version } = request;
  const reply = await claim(redis, request, 1);
  const { kind, attempt } = reply;
  if (kind === "new") return { taskId, version, admitted: false, remembered: true, attempt };
  if (reply.fingerprint !== fingerprint) {
    throw new BrokerError("idempotency-key-reused", "this Idempotency-Key belongs to a request with another body");
  }
  if (kind === "in-progress") {
    throw new BrokerError("request-in-progress", "the first request with this Idempotency-Key is still being admitted");
  }
  const { remembered } = reply;
  return { taskId: reply.taskId, version: reply.version, admitted: kind === "admitted", remembered, attempt };
}

/**
 * Binds a key again to the task of a request that had bound it, in case that Redis has lost it since.
 * @param attempt that of the request: a lower one would let an earlier attempt give the key back.
 * @returns whether the key names that task; false if another request was faster.
 * @throws BrokerError storage-unavailable
 */
export async function rebindIdempotencyKey(
  redis: RedisClient,
  request: IdempotentRequest,
  attempt: number,
): Promise<boolean> {
  const reply = await claim(redis, request, attempt);
  return reply.kind === "new" || reply.taskId === request.taskId;
}

/** Whether the key names this task. @throws BrokerError storage-unavailable */
export async function namesTask(redis: RedisClient, owned: OwnedKey, taskId: string): Promise<boolean> {
  try {
    return (await redis.hget(placeOf(owned).key, "task")) === taskId;
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "Redis did not say what a key names");
  }
}

/** The shard of a key: not that of its task, for which a model has to be known. */
export const shardOfIdempotencyKey = (owned: OwnedKey): number => placeOf(owned).shard;

function claim(redis: RedisClient, request: IdempotentRequest, attempt: number): Promise<ClaimIdempotencyReply> {
  const { fingerprint, taskId, version, keptMs } = request;
  return claimIdempotencyScript.run(
    redis,
    { idempotency: placeOf(request).key },
    { fingerprint, taskId, version, takeOverMs: TAKE_OVER_MS, ttlMs: KEY_TTL_MS, keptMs, attempt },
  );
}

/**
 * Notes that the task behind the key is admitted. A key that is gone is not made again.
 * @throws BrokerError storage-unavailable
 */
export async function confirmIdempotencyKey(redis: RedisClient, binding: IdempotencyBinding): Promise<void> {
  await confirmIdempotencyScript.run(redis, { idempotency: placeOf(binding).key }, { taskId: binding.taskId });
}

/**
 * Gives the key back: this attempt was refused, and its admission certainly not carried out.
 * @returns whether the key is forgotten. Only then nobody else has, had or will get the task id, and what was written
 * under it may be deleted.
 * @throws BrokerError storage-unavailable
 */
export async function releaseIdempotencyKey(redis: RedisClient, binding: IdempotencyBinding): Promise<boolean> {
  const { taskId, attempt } = binding;
  return (
    (await releaseIdempotencyScript.run(redis, { idempotency: placeOf(binding).key }, { taskId, attempt })) ===
    "forgotten"
  );
}

function placeOf({ owner, key }: OwnedKey): { readonly shard: number; readonly key: string } {
  const hash = createHash("sha256")
    .update(`${Buffer.byteLength(owner)}:${owner}${key}`)
    .digest();
  const shard = hash.readUInt32BE(0) % SHARD_COUNT;
  return { shard, key: keys.idempotency(shard, hash.toString("base64url")) };
}
