import { type BatchClass, DEFAULT_ZONE, formatLane, keys, type RedisClient, SHARD_COUNT } from "@sluice/broker";

import { ORACLE_MODEL } from "../oracle/oracle-model.js";

const CLASSES: readonly BatchClass[] = ["now", "bulk"];

/** The ready streams of the oracle's lanes, in all shards. */
export const READY_STREAMS: readonly string[] = CLASSES.flatMap((batchClass) => {
  const { name: model, version } = ORACLE_MODEL;
  const lane = formatLane({ model, version, zone: DEFAULT_ZONE, batchClass });
  return Array.from({ length: SHARD_COUNT }, (_, shard) => keys.ready(shard, lane));
});

/** The streams of notices of the oracle's pool. */
export const NOTICE_STREAMS: readonly string[] = CLASSES.map((batchClass) =>
  keys.notices(ORACLE_MODEL.pool, batchClass),
);

/** How many entries lie in these streams. */
export async function countEntries(redis: RedisClient, streams: readonly string[]): Promise<number> {
  const lengths = await Promise.all(streams.map((stream) => redis.xlen(stream)));
  return lengths.reduce((sum, length) => sum + length, 0);
}
