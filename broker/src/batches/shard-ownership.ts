import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { announceBatcherScript } from "../scripts/announce-batcher.js";
import { liveSlotsScript } from "../scripts/live-slots.js";
import { type OwnShardReply, ownShardScript } from "../scripts/own-shard.js";
import { BATCHER_ALIVE_MS, SHARD_LEASE_MS } from "./protocol-limits.js";

/** A batcher, and the zone whose work it looks after. */
export interface ZoneBatcher {
  readonly batcher: string;
  /** @defaultValue `local` */
  readonly zone?: string;
}

/** Takes or prolongs a zone's part of a shard (`wanted`), or gives it up. @throws BrokerError storage-unavailable */
export async function ownShard(
  redis: RedisClient,
  shard: number,
  { batcher, zone }: ZoneBatcher,
  wanted: boolean,
): Promise<OwnShardReply> {
  return await ownShardScript.run(
    redis,
    { owner: keys.owner(shard, zone) },
    { batcher, leaseMs: SHARD_LEASE_MS, wanted: wanted ? 1 : 0 },
  );
}

/** Says that a batcher is alive and reads who else is in the zone, by the server's clock. @throws BrokerError storage-unavailable */
export async function announceBatcher(redis: RedisClient, { batcher, zone }: ZoneBatcher): Promise<string[]> {
  const args = { batcher, aliveMs: BATCHER_ALIVE_MS };
  return await announceBatcherScript.run(redis, { batchers: keys.batchers(zone) }, args);
}

/** Who looks after the work of a zone now, by the server's clock. @throws BrokerError storage-unavailable */
export async function readBatchers(redis: RedisClient, zone: string): Promise<string[]> {
  return await liveSlotsScript.run(redis, { slots: keys.batchers(zone) }, { aliveMs: BATCHER_ALIVE_MS });
}

/** Takes a batcher off the list at a clean stop. */
export async function removeBatcher(redis: RedisClient, { batcher, zone }: ZoneBatcher): Promise<void> {
  await redis.zrem(keys.batchers(zone), batcher);
}
