import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { type TakenTokens, takeTokensScript } from "../scripts/take-tokens.js";

/**
 * Takes up to `wanted` tokens from an owner's bucket, which holds as many as it gets in a minute.
 * @param perMinute at least 1.
 * @throws BrokerError storage-unavailable
 */
export async function takeTokens(
  redis: RedisClient,
  owner: string,
  { perMinute, wanted }: { readonly perMinute: number; readonly wanted: number },
): Promise<TakenTokens> {
  return await takeTokensScript.run(redis, { bucket: keys.rate(owner) }, { perMinute, burst: perMinute, wanted });
}
