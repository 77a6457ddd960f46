import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { type OwnShardReply, ownShardScript } from "../scripts/own-shard.js";
import { BATCHER_ALIVE_MS, SHARD_LEASE_MS } from "./protocol-limits.js";

/** Takes or prolongs a shard (`wanted`), or gives it up. @throws BrokerError storage-unavailable */
export async function ownShard(
  redis: RedisClient,
  shard: number,
  batcher: string,
  wanted: boolean,
): Promise<OwnShardReply> {
  return await ownShardScript.run(
    redis,
    { owner: keys.owner(shard) },
    { batcher, leaseMs: SHARD_LEASE_MS, wanted: wanted ? 1 : 0 },
  );
}

/** Says that a batcher is alive and reads who else is. @throws the Redis error */
export async function announceBatcher(redis: RedisClient, batcher: string): Promise<string[]> {
  const [seconds, micros] = (await redis.time()).map(Number);
  const nowMs = (seconds ?? 0) * 1_000 + Math.floor((micros ?? 0) / 1_000);
  await redis.zadd(keys.batchers, nowMs, batcher);
  await redis.zremrangebyscore(keys.batchers, "-inf", String(nowMs - BATCHER_ALIVE_MS));
  return await redis.zrangebyscore(keys.batchers, "-inf", "+inf");
}

/** Takes a batcher off the list at a clean stop. */
export async function removeBatcher(redis: RedisClient, batcher: string): Promise<void> {
  await redis.zrem(keys.batchers, batcher);
}
