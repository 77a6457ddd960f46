import { connectRedis, parseRedisUrl, registerModels } from "@sluice/broker";
import type { LoadedModel } from "@sluice/models";
import { pino } from "pino";

/**
 * Makes models known to all roles, in place of those that were registered before.
 * @throws BrokerError storage-unavailable
 */
export async function registerLoadedModels(redisUrl: string, models: readonly LoadedModel[]): Promise<void> {
  const redis = await connectRedis(parseRedisUrl(redisUrl), pino({ level: "silent" }));
  try {
    await registerModels(
      redis,
      models.map((model) => model.definition),
    );
  } finally {
    redis.disconnect();
  }
}
