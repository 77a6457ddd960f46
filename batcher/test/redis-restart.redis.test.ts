import { afterAll, beforeAll, expect, test } from "vitest";
import { connectRedis, parseRedisUrl, registerModels, systemClock } from "@sluice/broker";
import { type RedisServer, startRedisServer } from "@sluice/stack";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBatcher } from "../src/index.js";
import { admitMany, metricOf, MODEL, POOL, silentLog, statesOf, until } from "./batcher-fixture.js";
import { createFakeWorker } from "./fake-worker.js";

let dir: string;
let server: RedisServer;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-restart-"));
  server = await startRedisServer({ dir, appendonly: "always" });
});
afterAll(async () => {
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

test("a batcher outlives Redis: killed and started again with its data, work goes on where it was", async () => {
  const target = parseRedisUrl(server.url);
  const redis = await connectRedis(target, silentLog);
  await registerModels(redis, [MODEL]);
  const batcher = createBatcher({ target, redis, log: silentLog, clock: systemClock });
  await batcher.start();
  const ids = await admitMany(redis, 100);

  server.kill("SIGKILL");
  // Its shards may be another's by now: it must not act for them, although nobody can tell it so.
  await until(async () => (await metricOf(batcher, "sluice_shards_owned")) === 0, 7_000, "it has no shards");
  await until(() => !batcher.isReady(), 3_000, "it says that it is not ready");
  server = await startRedisServer({ dir, port: server.port, appendonly: "always" });
  await until(() => redis.status === "ready", 5_000, "connected again");
  const worker = createFakeWorker({ target, redis }, POOL, {});
  await worker.start();
  ids.push(...(await admitMany(redis, 100)));
  await until(() => worker.settled.length >= 200, 8_000, "all settled");
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 200 });
  await until(() => batcher.isReady(), 3_000, "ready again");

  await worker.stop();
  await batcher.stop();
  redis.disconnect();
});
