import {
  type BatchClass,
  DEFAULT_ZONE,
  formatLane,
  keys,
  type ModelDefinition,
  type RedisClient,
  SHARD_COUNT,
} from "@sluice/broker";

import { withNode } from "../topology/redis-node.js";
import type { Topology } from "../topology/topology.js";

/** What lies in all masters together. */
export interface RedisContents {
  readonly keys: number;
  /** Streams of work that should be empty: entries and pending entries of each that is not. */
  readonly busyStreams: readonly string[];
  /** Consumers of a stream with the most. */
  readonly mostConsumers: number;
  readonly deadLetters: number;
  /** Keys that live for ever and are not known to: a few of them, and how many there are. */
  readonly immortal: readonly string[];
  readonly immortalCount: number;
  readonly usedMemoryBytes: number;
}

/** Keys that stay: settings, lists of who lives, and streams, which are emptied but not deleted. */
const PERMANENT =
  /^sluice:(config|config:good|models|batchers)$|^sluice:\{b:[^}]+\}:(slots|batches:\w+)$|^sluice:\{q:\d+\}:(dead|owner|ready:.+|lanes)$/;
const WORK_STREAM = /\}:(ready:|batches:)/;
const PAGE = 1_000;

/** Reads every key of every master: names, lifetimes, and what streams hold. */
export async function inspectRedis(topology: Topology): Promise<RedisContents> {
  const found = { keys: 0, busyStreams: [] as string[], mostConsumers: 0, deadLetters: 0, immortal: [] as string[] };
  let immortalCount = 0;
  let usedMemoryBytes = 0;
  for (const node of await topology.masters()) {
    await withNode(node, async (redis) => {
      for await (const names of scan(redis)) {
        found.keys += names.length;
        const lifetimes = await Promise.all(names.map((name) => redis.pttl(name)));
        const forEver = names.filter((name, index) => lifetimes[index] === -1 && !PERMANENT.test(name));
        immortalCount += forEver.length;
        found.immortal.push(...forEver.slice(0, 10));
        for (const name of names) {
          if (name.endsWith("}:dead")) found.deadLetters += await redis.xlen(name);
          if (WORK_STREAM.test(name)) {
            const stream = await inspectStream(redis, name);
            if (stream.entries + stream.pending > 0) {
              found.busyStreams.push(`${name}: ${stream.entries} entries, ${stream.pending} pending`);
            }
            found.mostConsumers = Math.max(found.mostConsumers, stream.consumers);
          }
        }
      }
    });
    usedMemoryBytes += Number(await node.info("memory", "used_memory"));
  }
  return { ...found, immortal: found.immortal.slice(0, 10), immortalCount, usedMemoryBytes };
}

async function* scan(redis: RedisClient): AsyncGenerator<string[]> {
  for (let cursor = "0"; ;) {
    const [next, names] = (await redis.call("SCAN", cursor, "COUNT", String(PAGE))) as [string, string[]];
    if (names.length > 0) yield names;
    if (next === "0") return;
    cursor = next;
  }
}

async function inspectStream(
  redis: RedisClient,
  name: string,
): Promise<{ entries: number; pending: number; consumers: number }> {
  const entries = await redis.xlen(name);
  const groups = (await redis.call("XINFO", "GROUPS", name)) as (string | number)[][];
  const numberOf = (group: (string | number)[], field: string): number => Number(group[group.indexOf(field) + 1]);
  return {
    entries,
    pending: groups.reduce((sum, group) => sum + numberOf(group, "pending"), 0),
    consumers: groups.reduce((sum, group) => sum + numberOf(group, "consumers"), 0),
  };
}

/** Whether no work of this model is left: ready streams and notices hold nothing. */
export async function isDrained(redis: RedisClient, { name: model, version, pool }: ModelDefinition): Promise<boolean> {
  const classes: readonly BatchClass[] = ["now", "bulk"];
  const streams = classes.flatMap((batchClass) => {
    const lane = formatLane({ model, version, zone: DEFAULT_ZONE, batchClass });
    const ready = Array.from({ length: SHARD_COUNT }, (_, shard) => keys.ready(shard, lane));
    return [...ready, keys.notices(pool, batchClass)];
  });
  const lengths = await Promise.all(streams.map((stream) => redis.xlen(stream)));
  return lengths.every((length) => length === 0);
}
