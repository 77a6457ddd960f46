import { EntryId, type Expected, type Time } from "./unknown.js";

/** A task's own record. */
export interface Task {
  readonly owner: string;
  readonly runId: string;
  readonly deadline: Time;
  /** Set when it left its run. */
  state?: "CANCELED" | "EXPIRED";
  expires: Time;
}

/** Something that Redis forgets by itself. */
export interface Kept<Value> {
  value: Value;
  expires: Time;
}

/** One computation. */
export interface Run {
  state: "OPEN" | "SUCCESS" | "FAILED";
  readonly lane: string;
  readonly digest: string;
  readonly cost: number;
  readonly signature: string;
  /** Gone when it is settled. */
  input: { readonly kind: "input" | "blob"; readonly text: string } | undefined;
  /** The tasks that wait for it (at the end: that waited), with their deadlines. */
  readonly tasks: Map<string, Time>;
  hadTwins: boolean;
  deadline: Time;
  readonly admitted: Time;
  readonly entry: EntryId;
  now?: { readonly lane: string; readonly entry: EntryId };
  /** Of the last claim; undefined before the first, `free` when it was given back or lost. */
  claim?: { lease: Time; worker: string } | "free";
  attempts?: number;
  alone?: boolean;
  deaths?: number;
  aloneDeaths?: number;
  end?: { readonly value: string; readonly record: string; readonly finished: Time };
  /** Its dead letter, of a run that failed. */
  letter?: EntryId;
  expires?: Time;
}

/** An entry of a work stream; entries go away only together with their pending mark. */
export interface Entry {
  readonly id: EntryId;
  readonly fields: readonly Expected[];
  /** What the entry is about, for those who read it. */
  readonly ref?: { readonly runId: string; readonly words: readonly Expected[] };
  /** A notice's payload. */
  readonly payload?: string;
  /** For whom it is pending; undefined before its first delivery. */
  consumer?: string;
  deliveries: number;
}

/** A stream with its one group. */
export interface Stream {
  readonly entries: Entry[];
  lastDelivered: EntryId;
  /** Whether a consumer certainly exists; it may where versions of Redis differ. */
  readonly consumers: Map<string, "sure" | "maybe">;
}

/** A dead letter. */
export interface Letter {
  readonly id: EntryId;
  readonly fields: Readonly<Record<string, string>>;
}

/** What lies in the slot of one shard. */
export interface Shard {
  readonly tasks: Map<string, Task>;
  readonly runs: Map<string, Run>;
  readonly digests: Map<string, Kept<string>>;
  readonly ready: Map<string, Stream>;
  dead: Letter[] | undefined;
  owner?: Kept<string>;
}

/** What lies in the slot of the pool. */
export interface Pool {
  readonly notices: Map<"now" | "bulk", Stream>;
  readonly slots: Map<string, Time>;
}

/** An Idempotency-Key that is bound. */
export interface Binding {
  readonly fingerprint: string;
  readonly taskId: string;
  readonly version: string;
  attempt: number;
  since: Time;
  /** Whoever held it was refused: it may be taken over at once. */
  vacant: boolean;
  /** So long after `since` the task may be forgotten. */
  keptMs: number;
  admitted: boolean;
  expires: Time;
}

/** Everything that the broker keeps, and what its readers remember between two calls. */
export interface World {
  readonly shards: Map<number, Shard>;
  readonly pool: Pool;
  readonly idempotency: Map<string, Binding>;
  readonly batchers: Map<string, Time>;
  readonly blobs: Map<string, string>;
  /** Ready readers: the lanes of which they believe that the stream exists. */
  readonly openLanes: Map<string, Set<string>>;
  /** Notice readers that know that nothing was pending for their slot when it began. */
  readonly sureSlots: Set<string>;
  /** Published by the last step or steps. */
  messages: { readonly channel: string; readonly text: string }[];
}

/** Nothing at all. */
export function createWorld(): World {
  return {
    shards: new Map(),
    pool: { notices: new Map(), slots: new Map() },
    idempotency: new Map(),
    batchers: new Map(),
    blobs: new Map(),
    openLanes: new Map(),
    sureSlots: new Set(),
    messages: [],
  };
}

/** The slot of a shard. */
export function shardOf(world: World, shard: number): Shard {
  let found = world.shards.get(shard);
  if (!found) {
    found = { tasks: new Map(), runs: new Map(), digests: new Map(), ready: new Map(), dead: undefined };
    world.shards.set(shard, found);
  }
  return found;
}

/** A stream that nobody has read yet. */
export const createStream = (): Stream => ({
  entries: [],
  lastDelivered: new EntryId("0-0"),
  consumers: new Map(),
});

/** A copy that can be changed without changing the original. Unknowns are shared: what is learned of one is learned. */
export function copyWorld(world: World): World {
  return copy(world) as World;
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) return new Map([...value].map(([key, inner]) => [key, copy(inner)]));
  if (value instanceof Set) return new Set(value);
  if (Array.isArray(value)) return value.map(copy);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, copy(inner)]));
}
