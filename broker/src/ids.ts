import { randomBytes } from "node:crypto";
import { SHARD_COUNT } from "./keys.js";

/** Crockford's base 32: no letter that looks like another, and lower case sorts like the value. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const SHARD_CHARS = 2;
const TIME_CHARS = 9;
const RANDOM_CHARS = 20;
const PATTERN = new RegExp(`^[${ALPHABET}]{${SHARD_CHARS + TIME_CHARS + RANDOM_CHARS}}$`);

/** What can be read off a task id without asking Redis. */
export interface ParsedTaskId {
  readonly shard: number;
  /** When the api made the id, wall clock, milliseconds. */
  readonly createdMs: number;
}

function encode(value: number, chars: number): string {
  let text = "";
  for (let rest = value, i = 0; i < chars; i++, rest = Math.floor(rest / 32)) text = ALPHABET.charAt(rest % 32) + text;
  return text;
}

function decode(text: string): number {
  let value = 0;
  for (const char of text) value = value * 32 + ALPHABET.indexOf(char);
  return value;
}

/**
 * Makes a task id: shard, time and 100 random bits, 31 characters. A run has the id of the task that created it.
 * @param entropy at least 20 bytes; each gives 5 bits.
 */
export function createTaskId(
  shard: number,
  createdMs: number,
  entropy: Uint8Array = randomBytes(RANDOM_CHARS),
): string {
  let random = "";
  for (let i = 0; i < RANDOM_CHARS; i++) random += ALPHABET.charAt((entropy[i] ?? 0) & 31);
  return encode(shard, SHARD_CHARS) + encode(createdMs, TIME_CHARS) + random;
}

/** Reads a task id; undefined for anything that cannot be one, so that no made-up text reaches a Redis key. */
export function parseTaskId(text: string): ParsedTaskId | undefined {
  if (!PATTERN.test(text)) return undefined;
  const shard = decode(text.slice(0, SHARD_CHARS));
  if (shard >= SHARD_COUNT) return undefined;
  return { shard, createdMs: decode(text.slice(SHARD_CHARS, SHARD_CHARS + TIME_CHARS)) };
}
