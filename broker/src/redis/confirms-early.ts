import type { RedisClient } from "./connect.js";
import { CONFIRM_TIMEOUT_MS } from "./durability.js";

const KEEP_MS = 1_000;
/** Half of the second that lies between two forced writes: far from both cases. */
const LEAST_GAP_MS = 500;
/** Before 7.4 servers count whole seconds, so that one gap of two may be short. */
const TRIES = 3;

/**
 * Whether WAITAOF answers before the write is on the disk. With `appendfsync everysec` a server forces its log out about
 * once a second, so writes that are made each after the one before was confirmed cannot all be confirmed soon. Where
 * they are, the server has counted what is only written as forced (https://github.com/redis/redis/pull/13793; Valkey 8.0.1 does as
 * well).
 * @param redis the connection to one server. @param key is written and soon forgotten.
 * @throws the Redis error, or Error if nothing is confirmed at all.
 */
export async function confirmsEarly(redis: RedisClient, key: string): Promise<boolean> {
  await confirmWrite(redis, key);
  for (let i = 0; i < TRIES; i++) {
    const confirmedMs = performance.now();
    await confirmWrite(redis, key);
    if (performance.now() - confirmedMs >= LEAST_GAP_MS) return false;
  }
  return true;
}

async function confirmWrite(redis: RedisClient, key: string): Promise<void> {
  const [write, confirmation] = await Promise.all([
    redis.set(key, "1", "PX", KEEP_MS),
    redis.call("WAITAOF", "1", "0", String(CONFIRM_TIMEOUT_MS)) as Promise<number[]>,
  ]);
  if (write !== "OK" || confirmation[0] !== 1) throw new Error("WAITAOF did not confirm a write");
}
