import {
  connectRedis,
  createConfirmedWrites,
  createDoneEvents,
  createLiveSettings,
  createLocalBlobStore,
  createModelRegistry,
  createServerWatch,
  createShardSubscriber,
  type Durability,
  heartbeatSlots,
  parseRedisUrl,
  type RedisClient,
  registerModels,
  systemClock,
} from "@sluice/broker";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { createApi } from "../src/index.js";
import { silentLog } from "./api-fixture.js";
import { MODELS } from "./models.js";

/** Starts servers and apis that promise something; what a test starts is stopped after it, the last first. */
export function useDurableApis() {
  const cleanups: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  /** Starts what has to be stopped again. */
  const start = async <Started extends { stop(): Promise<void> }>(starting: Promise<Started>): Promise<Started> => {
    const started = await starting;
    cleanups.push(() => started.stop());
    return started;
  };
  /** An api that promises so much, on these servers, and a worker slot that keeps beating. */
  const startApi = async (redisUrl: string, durability: Durability): Promise<{ url: string; redis: RedisClient }> => {
    const target = parseRedisUrl(redisUrl);
    const redis = await connectRedis(target, silentLog);
    cleanups.push(() => redis.disconnect());
    await registerModels(redis, MODELS);
    const beat = () => void heartbeatSlots(redis, "default", ["slot-1"]).catch(() => undefined);
    beat();
    const heartbeat = setInterval(beat, 1_000);
    cleanups.push(() => clearInterval(heartbeat));
    const blobDir = await mkdtemp(join(tmpdir(), "sluice-blobs-"));
    cleanups.push(() => rm(blobDir, { recursive: true, force: true }));
    const api = createApi(
      {
        redis,
        writes: createConfirmedWrites(target, redis, durability),
        servers: createServerWatch(redis, durability, silentLog),
        doneEvents: createDoneEvents(createShardSubscriber(target, silentLog)),
        models: createModelRegistry(redis, silentLog),
        settings: createLiveSettings(redis, silentLog),
        blobs: createLocalBlobStore(blobDir),
        clock: systemClock,
        log: silentLog,
      },
      { host: "127.0.0.1", port: 0, drainMs: 0 },
    );
    cleanups.push(() => api.stop());
    await api.start();
    return { url: api.url, redis };
  };
  return { start, startApi };
}

/** Submits a text with an Idempotency-Key. */
export async function submit(
  url: string,
  key: string,
  input = "hello",
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}/v1/inference`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key },
    body: JSON.stringify({ input }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
