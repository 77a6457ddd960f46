import type { ReadyStream, RedisTarget } from "@sluice/broker";

/** One blocking command on a single Redis reads at most so many streams: more make one command slow for all. */
const STREAMS_PER_READER = 64;
/** Most references per stream and read. */
const MAX_COUNT = 500;

/** The streams that one connection reads. */
export interface ReaderPlan {
  /** Stays the same while the reader stays the same. */
  readonly name: string;
  /** The shard whose node the connection goes to; on a single Redis any. */
  readonly shard: number;
  readonly streams: readonly ReadyStream[];
  /** The lanes of these streams, each once. */
  readonly lanes: readonly string[];
}

/** Which connections read which streams: on a Cluster one per shard, for a command has one slot. */
export function planReaders(
  kind: RedisTarget["kind"],
  shards: readonly number[],
  lanes: readonly string[],
): ReaderPlan[] {
  if (lanes.length === 0) return [];
  if (kind === "cluster") {
    return shards.map((shard) =>
      planOf(
        `shard ${shard}`,
        shard,
        lanes.map((lane) => ({ shard, lane })),
      ),
    );
  }
  // Lane by lane: a busy model then keeps one connection busy, not all.
  const streams = lanes.flatMap((lane) => shards.map((shard) => ({ shard, lane })));
  const plans: ReaderPlan[] = [];
  for (let from = 0; from < streams.length; from += STREAMS_PER_READER) {
    const part = streams.slice(from, from + STREAMS_PER_READER);
    plans.push(planOf(`part ${plans.length}`, part[0]?.shard ?? 0, part));
  }
  return plans;
}

/** One read: which streams, and at most how many references of each. */
export interface ReadStep {
  readonly streams: readonly ReadyStream[];
  readonly count: number;
  /** Some lanes have no room: the read must not block for long, for that may change soon. */
  readonly crowded: boolean;
}

/**
 * Keeps a read within what may lie in memory. COUNT holds per stream, and a lane has a stream in every shard, so the
 * smallest room is divided among the shards; a lane may go over its limit by less than one reference for each shard.
 */
export function planRead(plan: ReaderPlan, shardCount: number, roomOf: (lane: string) => number): ReadStep {
  const full = new Set<string>();
  let room = Infinity;
  for (const lane of plan.lanes) {
    const left = roomOf(lane);
    if (left > 0) room = Math.min(room, left);
    else full.add(lane);
  }
  const crowded = full.size > 0;
  const streams = crowded ? plan.streams.filter((stream) => !full.has(stream.lane)) : plan.streams;
  const count = Math.max(1, Math.min(MAX_COUNT, Math.floor(room / Math.max(1, shardCount))));
  return { streams, count, crowded };
}

function planOf(name: string, shard: number, streams: readonly ReadyStream[]): ReaderPlan {
  return { name, shard, streams, lanes: [...new Set(streams.map((stream) => stream.lane))] };
}
