import { Command } from "ioredis";
import { createHash } from "node:crypto";
import type { BlobStore } from "../blobs/blob-store.js";
import { BrokerError } from "../errors.js";
import { createTaskId } from "../ids.js";
import { keys, SHARD_COUNT } from "../keys.js";
import { parseLane } from "../lane.js";
import type { RedisClient } from "../redis/connect.js";
import type { Reply } from "../scripts/define-script.js";
import { asBytes, asList, asText } from "../scripts/parse-reply.js";
import type { Settings } from "../settings/settings.js";
import { admitTask, type AdmitRequest } from "./admission.js";
import { decodeFailure, type TaskFailure } from "./outcome.js";

/** A run that failed for good, with its input; or a part of an entry that could not be read, of no run. */
export interface DeadLetter {
  readonly shard: number;
  /** Its entry in the shard's dead stream; the first part is the server time in milliseconds. */
  readonly entryId: string;
  /** Empty for an entry that could not be read. */
  readonly runId: string;
  readonly lane: string;
  readonly digest: string;
  readonly signature: string;
  readonly cost: number;
  readonly attempts: number;
  readonly failure: TaskFailure;
  readonly input: AdmitRequest["input"];
}

/** Dead letters of all shards, oldest first, at most `limit`. @throws the Redis error */
export async function listDeadLetters(redis: RedisClient, limit = 100): Promise<DeadLetter[]> {
  const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
  const lists = await Promise.all(shards.map((shard) => readShard(redis, shard, ["-", "+"], limit)));
  return lists
    .flat()
    .sort((a, b) => Number.parseInt(a.entryId) - Number.parseInt(b.entryId))
    .slice(0, limit);
}

/** One dead letter, if it is still there. @throws the Redis error */
export async function readDeadLetter(
  redis: RedisClient,
  shard: number,
  entryId: string,
): Promise<DeadLetter | undefined> {
  return (await readShard(redis, shard, [entryId, entryId], 1))[0];
}

/** Where the dead letter of a run that failed is, or was: it may have been deleted or taken. */
export interface BuriedRun {
  /** The task that a redrive of it makes, or has made. */
  readonly redrivenTaskId: string;
  readonly letter: DeadLetter | undefined;
}

/** Finds the dead letter of a run. @returns undefined if the run did not fail, or is gone. @throws the Redis error */
export async function findDeadLetter(redis: RedisClient, shard: number, runId: string): Promise<BuriedRun | undefined> {
  const entryId = await redis.hget(keys.run(shard, runId), "letter");
  if (!entryId) return undefined;
  const letter = await readDeadLetter(redis, shard, entryId);
  return { redrivenTaskId: redrivenTaskId({ shard, runId, entryId }), letter };
}

/** One letter, one task: it follows from the letter. */
function redrivenTaskId({ shard, runId, entryId }: Pick<DeadLetter, "shard" | "runId" | "entryId">): string {
  const entropy = createHash("sha256").update(`redrive ${runId} ${entryId}`).digest();
  return createTaskId(shard, Number.parseInt(entryId), entropy);
}

/**
 * Blobs that dead letters of one shard still need. Reads page by page, for letters may hold inputs.
 * @param fromMs the time, by Redis' clock, of the oldest letters that matter, milliseconds. @throws the Redis error
 */
export async function listDeadLetterBlobs(redis: RedisClient, shard: number, fromMs = 0): Promise<string[]> {
  const blobIds: string[] = [];
  const pageSize = 100;
  for (let from = String(fromMs); ;) {
    const page = await readShard(redis, shard, [from, "+"], pageSize);
    blobIds.push(...page.flatMap(({ input }) => (input.kind === "blob" ? [input.blobId] : [])));
    const last = page.at(-1);
    if (page.length < pageSize || !last) return blobIds;
    from = `(${last.entryId}`;
  }
}

/** Deletes a dead letter and its blob. Idempotent. @throws the Redis error, or BrokerError storage-unavailable */
export async function deleteDeadLetter(redis: RedisClient, blobs: BlobStore, letter: DeadLetter): Promise<void> {
  await redis.xdel(keys.dead(letter.shard), letter.entryId);
  if (letter.input.kind === "blob") await blobs.delete(letter.input.blobId);
}

/**
 * Admits the input again as one new task and deletes the dead letter. The id of the task follows from the dead letter,
 * so a redrive that is repeated after a cut connection makes no second task. A blob is copied first: it has the id of
 * its run.
 * @returns the new task's id.
 * @throws BrokerError queue-full (the dead letter stays) | input-rejected (its blob is gone) | entry-malformed (there
 * never was a run) | storage-unavailable
 */
export async function redriveDeadLetter(
  redis: RedisClient,
  blobs: BlobStore,
  letter: DeadLetter,
  redrive: { readonly owner: string; readonly settings: Settings; readonly cacheTtlS?: number },
): Promise<string> {
  if (letter.runId === "") throw new BrokerError("entry-malformed", "this dead letter never was a task");
  const lane = parseLane(letter.lane);
  if (!lane) throw new BrokerError("internal", `a dead letter names no lane: ${letter.lane}`);
  const taskId = redrivenTaskId(letter);
  const { owner, settings, cacheTtlS } = redrive;
  const digest = { text: letter.digest, shard: letter.shard };
  const { signature, cost } = letter;
  const input = await inputForRun(blobs, letter, taskId);
  const ttlMs = settings.queueTtlS * 1_000;
  const request = { taskId, owner, lane, digest, signature, cost, input, ttlMs };
  const reply = await admitTask(redis, cacheTtlS === undefined ? request : { ...request, cacheTtlS }, settings);
  if (input.kind === "blob" && (reply.kind === "full" || reply.runId !== taskId)) await blobs.delete(input.blobId);
  if (reply.kind === "full") throw new BrokerError("queue-full", "the queue is full; the dead letter stays");
  await deleteDeadLetter(redis, blobs, letter);
  return taskId;
}

async function inputForRun(blobs: BlobStore, { input }: DeadLetter, runId: string): Promise<DeadLetter["input"]> {
  if (input.kind === "input") return input;
  const bytes = await blobs.get(input.blobId);
  // Deleted by a redrive that was cut off after it had admitted the copy, which this one finds again.
  if (!bytes && !(await blobs.get(runId))) {
    throw new BrokerError("input-rejected", "the input of this dead letter is not kept any more");
  }
  if (bytes) await blobs.put(runId, bytes);
  return { kind: "blob", blobId: runId };
}

async function readShard(
  redis: RedisClient,
  shard: number,
  range: readonly [string, string],
  limit: number,
): Promise<DeadLetter[]> {
  const command = new Command("xrange", [keys.dead(shard), ...range, "COUNT", String(limit)], { replyEncoding: null });
  const entries = asList((await redis.sendCommand(command)) as Reply);
  return entries.map((entry) => parseDeadLetter(shard, entry));
}

function parseDeadLetter(shard: number, entry: Reply): DeadLetter {
  const [id, flat] = asList(entry);
  const values = asList(flat);
  const fields = new Map<string, Buffer>();
  for (let i = 0; i + 1 < values.length; i += 2) fields.set(asText(values[i]), asBytes(values[i + 1]));
  const text = (name: string) => fields.get(name)?.toString() ?? "";
  const blobId = text("blob");
  return {
    shard,
    entryId: asText(id),
    runId: text("run"),
    lane: text("lane"),
    digest: text("digest"),
    signature: text("signature"),
    cost: Number(text("cost")),
    attempts: Number(text("attempts")),
    failure: decodeFailure(fields.get("error") ?? Buffer.alloc(0)),
    input: blobId ? { kind: "blob", blobId } : { kind: "input", bytes: fields.get("input") ?? Buffer.alloc(0) },
  };
}
