import type { RedisClient } from "../redis/connect.js";

/**
 * Makes a stream and its group if they are missing, at 0: entries that came before the group are delivered too.
 * @throws the Redis error for anything but "exists already".
 */
export async function ensureGroup(redis: RedisClient, stream: string, group: string): Promise<void> {
  try {
    await redis.xgroup("CREATE", stream, group, "0", "MKSTREAM");
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("BUSYGROUP"))) throw error;
  }
}
