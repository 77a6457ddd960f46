import {
  BrokerError,
  type Clock,
  connectRedis,
  createConfirmedWrites,
  createDoneEvents,
  createLiveSettings,
  createModelRegistry,
  createServerWatch,
  createShardSubscriber,
  type LiveSettings,
  openBlobStore,
  openS3Objects,
  type RedisClient,
  systemClock,
} from "@sluice/broker";
import { type Logger, pino } from "pino";
import { type ApiConfig, parseConfig } from "./config.js";
import { createIdentify, type Identify, identifyNobody } from "./identity/identify.js";
import { createKeyCheck } from "./identity/key-check.js";
import { createRateLimiter } from "./identity/rate-limiter.js";
import { createTokenCheck } from "./identity/token-check.js";
import { createS3Source, type FetchObject, refuseS3Objects } from "./images/s3-source.js";
import { createApi } from "./server.js";
import { MAX_IMAGE_BYTES } from "./submission/image-limits.js";

async function main(): Promise<void> {
  const config = parseConfig(undefined, process.argv.slice(2));
  const log = pino({ name: "api", level: config.logLevel });
  const blobs = await openBlobStore(config.blobs, { forced: config.durability.level !== "memory", writes: true });
  const fetchObject = await openS3Source(config);
  const redis = await connectRedis(config.redis, log);
  const settings = createLiveSettings(redis, log);
  const api = createApi(
    {
      redis,
      writes: createConfirmedWrites(config.redis, redis, config.durability),
      servers: createServerWatch(redis, config.durability, log),
      doneEvents: createDoneEvents(createShardSubscriber(config.redis, log)),
      models: createModelRegistry(redis, log),
      settings,
      identify: await openIdentity(config, { redis, settings, clock: systemClock, log }),
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

/** @throws BrokerError config-invalid */
async function openIdentity({ identity, host }: ApiConfig, deps: IdentityDeps): Promise<Identify> {
  const { keys, tokens } = identity;
  if (!keys && !tokens) {
    deps.log.warn({ host }, "identity is off: whoever reaches this api may do everything, as the same caller");
    return identifyNobody;
  }
  const checkKey = keys ? createKeyCheck(deps) : undefined;
  const checkToken = tokens ? await createTokenCheck(tokens, deps.clock) : undefined;
  deps.log.info({ keys, issuer: tokens?.issuer }, "identity is on");
  return createIdentify({ checkKey, checkToken }, createRateLimiter(deps));
}

interface IdentityDeps {
  readonly redis: RedisClient;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly log: Logger;
}

async function openS3Source({ s3, s3InputBuckets: buckets }: ApiConfig): Promise<FetchObject> {
  if (buckets.length === 0) return refuseS3Objects;
  return createS3Source(await openS3Objects(s3), { buckets, maxBytes: MAX_IMAGE_BYTES });
}

main().catch((error: unknown) => {
  pino({ name: "api" }).fatal({ err: BrokerError.from(error, "internal", "the api could not start") }, "api failed");
  process.exit(1);
});
