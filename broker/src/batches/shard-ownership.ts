import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { announceBatcherScript } from "../scripts/announce-batcher.js";
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

/** Says that a batcher is alive and reads who else is, by the server's clock. @throws BrokerError storage-unavailable */
export async function announceBatcher(redis: RedisClient, batcher: string): Promise<string[]> {
  return await announceBatcherScript.run(redis, { batchers: keys.batchers }, { batcher, aliveMs: BATCHER_ALIVE_MS });
}

/** Takes a batcher off the list at a clean stop. */
export async function removeBatcher(redis: RedisClient, batcher: string): Promise<void> {
  await redis.zrem(keys.batchers, batcher);
}
