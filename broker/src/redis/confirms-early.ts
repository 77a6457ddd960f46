import type { RedisClient } from "./connect.js";

const WAIT_MS = 5_000;
const KEEP_MS = 1_000;
/** Half of the second that lies between two forced writes: far from both cases. */
const LEAST_GAP_MS = 500;

/**
 * Whether WAITAOF answers before the write is on the disk. With `appendfsync everysec` a server forces its log out at
 * most once a second, so a write that is made after another was confirmed cannot be confirmed soon. Where it is, the
 * server has counted what is only written as forced (https://github.com/redis/redis/pull/13793; Valkey 8.0.1 does as
 * well).
 * @param redis the connection to one server. @param key is written and soon forgotten.
 * @throws the Redis error, or Error if nothing is confirmed at all.
 */
export async function confirmsEarly(redis: RedisClient, key: string): Promise<boolean> {
  await confirmWrite(redis, key);
  const confirmedMs = performance.now();
  await confirmWrite(redis, key);
  return performance.now() - confirmedMs < LEAST_GAP_MS;
}

async function confirmWrite(redis: RedisClient, key: string): Promise<void> {
  const [write, confirmation] = await Promise.all([
    redis.set(key, "1", "PX", KEEP_MS),
    redis.call("WAITAOF", "1", "0", String(WAIT_MS)) as Promise<number[]>,
  ]);
  if (write !== "OK" || confirmation[0] !== 1) throw new Error("WAITAOF did not confirm a write");
}
