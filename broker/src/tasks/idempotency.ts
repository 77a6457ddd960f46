import { createHash } from "node:crypto";
import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { claimIdempotencyScript } from "../scripts/claim-idempotency.js";

/** How long a key is remembered. */
const KEY_TTL_MS = 24 * 60 * 60 * 1_000;
/** An admission that has said nothing for so long is believed dead and taken over. */
const TAKE_OVER_MS = 5_000;

/** A request that came with an Idempotency-Key. */
export interface IdempotentRequest {
  readonly owner: string;
  readonly key: string;
  /** Equal for equal requests, whatever was resolved for them. */
  readonly fingerprint: string;
  /** The id to use if this request is the first. */
  readonly taskId: string;
  /** The model version resolved now; a repeat uses the one resolved first. */
  readonly version: string;
}

/** What the caller must do: admit under this id and version, or just answer with it. */
export interface IdempotentTask {
  readonly taskId: string;
  readonly version: string;
  readonly admitted: boolean;
}

const hashOf = (owner: string, key: string) =>
  createHash("sha256")
    .update(`${Buffer.byteLength(owner)}:${owner}${key}`)
    .digest("base64url");

/**
 * Finds or makes the binding of a key, before anything is admitted.
 * @throws BrokerError idempotency-key-reused | request-in-progress | storage-unavailable
 */
export async function bindIdempotencyKey(redis: RedisClient, request: IdempotentRequest): Promise<IdempotentTask> {
  const { fingerprint, taskId, version } = request;
  const reply = await claimIdempotencyScript.run(
    redis,
    { idempotency: keys.idempotency(hashOf(request.owner, request.key)) },
    { fingerprint, taskId, version, takeOverMs: TAKE_OVER_MS, ttlMs: KEY_TTL_MS },
  );
  if (reply.kind === "new") return { taskId, version, admitted: false };
  if (reply.fingerprint !== fingerprint) {
    throw new BrokerError("idempotency-key-reused", "this Idempotency-Key belongs to a request with another body");
  }
  if (reply.kind === "in-progress") {
    throw new BrokerError("request-in-progress", "the first request with this Idempotency-Key is still being admitted");
  }
  return { taskId: reply.taskId, version: reply.version, admitted: reply.kind === "admitted" };
}

/** Notes that the task behind the key is admitted. @throws BrokerError storage-unavailable */
export async function confirmIdempotencyKey(redis: RedisClient, owner: string, key: string): Promise<void> {
  await guarded(redis.hset(keys.idempotency(hashOf(owner, key)), "admitted", "1"));
}

/** Forgets a key whose request was refused: a refusal leaves nothing behind. @throws BrokerError storage-unavailable */
export async function releaseIdempotencyKey(redis: RedisClient, owner: string, key: string): Promise<void> {
  await guarded(redis.del(keys.idempotency(hashOf(owner, key))));
}

async function guarded(command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    throw new BrokerError("storage-unavailable", "Redis did not carry out a command", { cause: error });
  }
}
