import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { dropLaneScript } from "../scripts/drop-lane.js";
import { openLaneScript } from "../scripts/open-lane.js";

/** One ready stream. */
export interface ReadyStream {
  readonly shard: number;
  readonly lane: string;
}

/** The lanes that have a ready stream in a shard, whether their models are registered or not. @throws the Redis error */
export async function listLanes(redis: RedisClient, shard: number): Promise<string[]> {
  return await redis.smembers(keys.lanes(shard));
}

/** Makes a ready stream with its group, if either is missing. @throws BrokerError storage-unavailable */
export async function openLane(redis: RedisClient, stream: ReadyStream): Promise<void> {
  await openLaneScript.run(redis, keysOf(stream), { lane: stream.lane });
}

/**
 * Takes a ready stream away if nothing is left in it.
 * @returns whether it is gone. @throws BrokerError storage-unavailable
 */
export async function dropLane(redis: RedisClient, stream: ReadyStream): Promise<boolean> {
  return await dropLaneScript.run(redis, keysOf(stream), { lane: stream.lane });
}

function keysOf({ shard, lane }: ReadyStream) {
  return { ready: keys.ready(shard, lane), lanes: keys.lanes(shard) };
}
