import { Cluster } from "ioredis";
import { BrokerError } from "../errors.js";
import type { RedisClient } from "./connect.js";
import { parseInfo } from "./server-facts.js";

/**
 * How much of its `maxmemory` the fullest master uses, 0 to 1 and a little more; 0 where none has a limit. Work is spread
 * evenly over the shards, so the fullest one says when there is no room for more.
 * @throws BrokerError storage-unavailable
 */
export async function readMemoryUse(redis: RedisClient): Promise<number> {
  try {
    const masters = redis instanceof Cluster ? redis.nodes("master") : [redis];
    return Math.max(0, ...(await Promise.all(masters.map(async (master) => useOf(await master.info("memory"))))));
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "Redis did not say how much memory it uses");
  }
}

/** https://redis.io/docs/latest/commands/info/ (used_memory, maxmemory: bytes; 0 is no limit) */
function useOf(text: string): number {
  const info = parseInfo(text);
  const limitBytes = Number(info.get("maxmemory") ?? 0);
  return limitBytes > 0 ? Number(info.get("used_memory") ?? 0) / limitBytes : 0;
}
