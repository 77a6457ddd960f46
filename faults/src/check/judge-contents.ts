import type { LedgerEntry } from "../client/ledger.js";
import type { RedisContents } from "./inspect-redis.js";
import type { Violation } from "./violation.js";

/** What was done that explains what is in Redis. */
export interface ContentsCause {
  readonly judged: readonly LedgerEntry[];
  /** Tasks that are judged elsewhere. */
  readonly excused: readonly LedgerEntry[];
  /** How often processes of roles were killed or stopped: each may have left consumers behind, for ten minutes. */
  readonly starts: number;
}

/** A task has at most a record, its run's, the set of a run with twins, its digest's pointer and an Idempotency-Key. */
const KEYS_PER_TASK = 5;
/** Streams of all lanes and shards, what lives as long as its process, settings. */
const OTHER_KEYS = 1_000;
/** Three times what campaigns have measured for a short text, its result and its keys (1.5 KB). */
const BYTES_PER_TASK = 4_500;
/** A server with nothing in it, its replication backlog and its clients' buffers. */
const BYTES_PER_DEPLOYMENT = 128 * 2 ** 20;
/** Slots of a worker; a batcher has one consumer in a stream. Directed runs start a few processes again that are in no list. */
const CONSUMERS_PER_START = 2;
const LIVE_CONSUMERS = 40;

/** Judges what is left in Redis after all work is done: nothing to do, and no more than tasks leave for their time. */
export function judgeContents(contents: RedisContents, cause: ContentsCause): Violation[] {
  const tasks = cause.judged.length + cause.excused.length;
  const bounds: readonly (readonly [string, number, number])[] = [
    ["keys", contents.keys, OTHER_KEYS + KEYS_PER_TASK * tasks],
    ["bytes", contents.usedMemoryBytes, BYTES_PER_DEPLOYMENT + BYTES_PER_TASK * tasks],
    ["consumers of one stream", contents.mostConsumers, LIVE_CONSUMERS + CONSUMERS_PER_START * cause.starts],
  ];
  return [
    ...contents.busyStreams.map((detail) => ({ invariant: "residue" as const, detail })),
    ...judgeImmortal(contents),
    ...bounds.flatMap(([what, found, most]) =>
      found > most ? [{ invariant: "leak" as const, detail: `Redis: ${found} ${what}, more than ${most}` }] : [],
    ),
    ...judgeDeadLetters(contents.deadLetters, cause),
  ];
}

function judgeImmortal({ immortal, immortalCount }: RedisContents): Violation[] {
  if (immortalCount === 0) return [];
  return [{ invariant: "residue", detail: `${immortalCount} keys without a time to live: ${immortal.join(", ")}` }];
}

function judgeDeadLetters(deadLetters: number, { judged, excused }: ContentsCause): Violation[] {
  const failed = judged.filter(({ first, last }) => (first ?? last)?.state === "FAILED").length;
  const maybe =
    judged.filter(({ purpose, mayHaveRun }) => purpose === "poison" && mayHaveRun).length +
    excused.filter(({ purpose }) => purpose === "poison").length;
  if (deadLetters >= failed && deadLetters <= failed + maybe) return [];
  const detail = `${deadLetters} dead letters for ${failed} failed tasks (and ${maybe} that may have failed)`;
  return [{ invariant: "residue", detail }];
}
