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
  openS3Objects,
  systemClock,
} from "@sluice/broker";
import { pino } from "pino";
import { type ApiConfig, parseConfig } from "./config.js";
import { createS3Source, type FetchObject, refuseS3Objects } from "./images/s3-source.js";
import { createApi } from "./server.js";
import { MAX_IMAGE_BYTES } from "./submission/image-limits.js";

async function main(): Promise<void> {
  const config = parseConfig();
  const log = pino({ name: "api", level: config.logLevel });
  const blobs = await openBlobStore(config.blobs, { forced: config.durability.level !== "memory", writes: true });
  const fetchObject = await openS3Source(config);
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
      fetchObject,
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

async function openS3Source({ s3, s3InputBuckets: buckets }: ApiConfig): Promise<FetchObject> {
  if (buckets.length === 0) return refuseS3Objects;
  return createS3Source(await openS3Objects(s3), { buckets, maxBytes: MAX_IMAGE_BYTES });
}

main().catch((error: unknown) => {
  pino({ name: "api" }).fatal({ err: BrokerError.from(error, "internal", "the api could not start") }, "api failed");
  process.exit(1);
});
