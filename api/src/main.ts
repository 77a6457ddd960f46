import {
  BrokerError,
  connectRedis,
  createConfirmedWrites,
  createDoneEvents,
  createLiveSettings,
  createModelRegistry,
  createServerWatch,
  createShardSubscriber,
  openBlobStore,
  systemClock,
} from "@sluice/broker";
import { pino } from "pino";
import { parseConfig } from "./config.js";
import { createApi } from "./server.js";

async function main(): Promise<void> {
  const config = parseConfig();
  const log = pino({ name: "api", level: config.logLevel });
  const blobs = await openBlobStore(config.blobs, { forced: config.durability.level !== "memory", writes: true });
  const redis = await connectRedis(config.redis, log);
  const api = createApi(
    {
      redis,
      writes: createConfirmedWrites(config.redis, redis, config.durability),
      servers: createServerWatch(redis, config.durability, log),
      doneEvents: createDoneEvents(createShardSubscriber(config.redis, log)),
      models: createModelRegistry(redis, log),
      settings: createLiveSettings(redis, log),
      blobs,
      clock: systemClock,
      log,
    },
    {
      zone: config.zone,
      host: config.host,
      port: config.port,
      maxConnections: config.maxConnections,
      drainMs: config.drainMs,
      bodyBudgetBytes: config.bodyBudgetBytes,
      imageUrls: config.imageUrls,
    },
  );
  const stop = (): void => {
    log.info("api stops");
    void api.stop().finally(() => redis.disconnect());
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  await api.start();
}

main().catch((error: unknown) => {
  pino({ name: "api" }).fatal({ err: BrokerError.from(error, "internal", "the api could not start") }, "api failed");
  process.exit(1);
});
