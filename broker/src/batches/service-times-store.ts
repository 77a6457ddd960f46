import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { Lane } from "../lane.js";
import { packList, unpackList } from "../msgpack-list.js";
import type { RedisClient } from "../redis/connect.js";

/** What batchers have learned about batches of about one size. */
export interface LearnedTime {
  /** Rows; a mean, so it need not be whole. */
  readonly size: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** From how many batches. */
  readonly weight: number;
}

/** The learned times of one version of a model. */
export interface LearnedTimes {
  /** When they were written, milliseconds since 1970 by the writer's clock. */
  readonly writtenMs: number;
  readonly times: readonly LearnedTime[];
}

/** The name of what a lane learns: its classes, and all signatures, share it. */
export function learnedTimesOf({ model, version, zone }: Pick<Lane, "model" | "version" | "zone">): string {
  return `${model} ${version} ${zone}`;
}

const VERSION = 1;
/** Of a model that nobody uses any more. */
const KEEP_S = 30 * 24 * 3_600;

/**
 * What all batchers have learned, by the name that the writer gave it. What cannot be read is left out: it is learned anew.
 * @throws BrokerError storage-unavailable
 */
export async function readLearnedTimes(redis: RedisClient): Promise<ReadonlyMap<string, LearnedTimes>> {
  const hash = await redis.hgetallBuffer(keys.times).catch((error: unknown) => {
    throw BrokerError.from(error, "storage-unavailable", "the learned service times could not be read");
  });
  const known = new Map<string, LearnedTimes>();
  for (const [name, bytes] of Object.entries(hash)) {
    const learned = decodeLearnedTimes(bytes);
    if (learned) known.set(name, learned);
  }
  return known;
}

/** Replaces what is known under these names. @throws BrokerError storage-unavailable */
export async function writeLearnedTimes(redis: RedisClient, learned: ReadonlyMap<string, LearnedTimes>): Promise<void> {
  if (learned.size === 0) return;
  const fields = [...learned].flatMap(([name, times]) => [name, encodeLearnedTimes(times)]);
  try {
    await redis.hset(keys.times, ...fields);
    await redis.expire(keys.times, KEEP_S);
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the learned service times could not be written");
  }
}

/** Learned times -> msgpack array. */
export function encodeLearnedTimes({ writtenMs, times }: LearnedTimes): Buffer {
  return packList([VERSION, writtenMs, times.map(({ size, p50Ms, p95Ms, weight }) => [size, p50Ms, p95Ms, weight])]);
}

/** msgpack -> learned times; undefined for bytes of another version or none of ours. */
export function decodeLearnedTimes(bytes: Uint8Array): LearnedTimes | undefined {
  const list = unpackList(bytes);
  if (list?.[0] !== VERSION || typeof list[1] !== "number" || !Array.isArray(list[2])) return undefined;
  const times: LearnedTime[] = [];
  for (const row of list[2] as unknown[]) {
    if (!Array.isArray(row)) return undefined;
    const [size, p50Ms, p95Ms, weight] = row as unknown[];
    if (!isPositive(size) || !isPositive(p50Ms) || !isPositive(p95Ms) || !isPositive(weight)) return undefined;
    times.push({ size, p50Ms, p95Ms, weight });
  }
  return { writtenMs: list[1], times };
}

function isPositive(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}
