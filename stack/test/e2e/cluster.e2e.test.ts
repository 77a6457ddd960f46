import { connectRedis, keys, parseRedisUrl, SHARD_COUNT } from "@sluice/broker";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RedisCluster, type Stack, startRedisCluster, startStack } from "../../src/index.js";
import { createTaskClient, digestOfText, runMany, textOf } from "./task-client.js";

let dir: string;
let cluster: RedisCluster;
let stack: Stack;

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "sluice-cluster-"));
  cluster = await startRedisCluster({ masters: 3 });
  stack = await startStack({ dir, models: ["sleep"], redisUrl: cluster.url, counts: { batcher: 2 } });
});
afterAll(async () => {
  await stack.stop();
  await cluster.stop();
  await rm(dir, { recursive: true });
});

test("on a Cluster of 3 masters with two batchers, 2,000 tasks end with their own answers, and nothing is left", async () => {
  const client = createTaskClient(stack.apiUrl, 128);
  const results = await runMany(client, 2_000, 128, (i) => ({ model: "sleep", input: textOf("cluster", i % 1_500) }));
  await client.close();
  for (const [i, result] of results.entries()) {
    const digest = digestOfText(textOf("cluster", i % 1_500));
    expect(result).toMatchObject({ status: "SUCCESS", output: { digest } });
  }
  const redis = await connectRedis(parseRedisUrl(cluster.url), pino({ level: "silent" }));
  const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
  const depths = await Promise.all(shards.map((shard) => redis.xlen(keys.ready(shard, "sleep:1:local:now"))));
  expect(depths.every((depth) => depth === 0)).toBe(true);
  const owners = new Set(await Promise.all(shards.map((shard) => redis.get(keys.owner(shard)))));
  expect(owners.size).toBe(2);
  redis.disconnect();
});
