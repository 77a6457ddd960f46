import { randomBytes } from "node:crypto";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import {
  admitTask,
  type AdmitRequest,
  type BatchClass,
  connectRedis,
  createTaskId,
  DEFAULT_SETTINGS,
  digestOf,
  keys,
  modelDefinitionSchema,
  parseRedisUrl,
  parseTaskId,
  type RedisClient,
  type RedisTarget,
  readTask,
  registerModels,
  SHARD_COUNT,
  systemClock,
} from "@sluice/broker";
import { startRedisServer } from "@sluice/stack";
import { type Batcher, type BatcherOptions, createBatcher } from "../src/index.js";
import { createFakeWorker, type FakeWorker, type FakeWorkerOptions } from "./fake-worker.js";

/** A log that nobody reads. */
export const silentLog = pino({ level: "silent" });

/** The pool of the test model, and its lane for tasks that are not bulk. */
export const POOL = "p";
export const NOW_LANE = "m:1:local:now";

/** The model that all tests use. */
export const MODEL = modelDefinitionSchema.parse({
  name: "m",
  pool: POOL,
  input: { kind: "text", tensor: "I" },
  outputs: [{ kind: "text", name: "o", tensor: "O" }],
});

/** One Redis for a test file, and what runs against it in one test. */
export interface BatcherFixture {
  target: RedisTarget;
  redis: RedisClient;
  batcher(options?: BatcherOptions): Promise<Batcher>;
  /** @param options its `pool` is that of the test model, in the zone `local`, if none is said. */
  worker(options?: Partial<FakeWorkerOptions> & { readonly pool?: string }): Promise<FakeWorker>;
  /** Stopped after the test. */
  use<Used extends { stop(): Promise<void> }>(used: Used): Used;
}

/** A real redis-server, empty before each test; batchers and workers of a test are stopped after it. */
export function useBatchers(): BatcherFixture {
  return useTarget(async () => startRedisServer({ appendonly: "no" }));
}

/** The same on whatever `startServer` starts. */
export function useTarget(startServer: () => Promise<{ url: string; stop(): Promise<void> }>): BatcherFixture {
  const running: { stop(): Promise<void> }[] = [];
  let server: { url: string; stop(): Promise<void> };
  const fixture = {} as BatcherFixture;
  beforeAll(async () => {
    server = await startServer();
    fixture.target = parseRedisUrl(server.url);
    fixture.redis = await connectRedis(fixture.target, silentLog);
    fixture.batcher = async (options) => {
      const { target, redis } = fixture;
      const batcher = createBatcher({ target, redis, log: silentLog, clock: systemClock }, options);
      running.push(batcher);
      await batcher.start();
      return batcher;
    };
    fixture.use = (used) => {
      running.push(used);
      return used;
    };
    fixture.worker = async ({ pool = POOL, ...options } = {}) => {
      const worker = createFakeWorker(fixture, pool, options);
      running.push(worker);
      await worker.start();
      return worker;
    };
  });
  beforeEach(async () => {
    await flush(fixture.redis);
    await registerModels(fixture.redis, [MODEL]);
    // The simpler rule, with which one can say beforehand when a batch leaves; adaptive tests choose theirs.
    await fixture.redis.hset(keys.config, "batch.mode", "fixed");
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.stop()));
  });
  afterAll(async () => {
    fixture.redis.disconnect();
    await server.stop();
  });
  return fixture;
}

async function flush(redis: RedisClient): Promise<void> {
  if ("nodes" in redis) await Promise.all(redis.nodes("master").map((node) => node.flushall()));
  else await redis.flushall();
}

type AdmitOptions = Partial<AdmitRequest> & {
  readonly batchClass?: BatchClass;
  readonly text?: string;
  readonly zone?: string;
};

/** Admits `count` tasks with inputs that are all different; their ids, in order. */
export async function admitMany(redis: RedisClient, count: number, options: AdmitOptions = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(await admitOne(redis, options));
  return ids;
}

/** Admits one task; twins have the same `text`. */
export async function admitOne(redis: RedisClient, options: AdmitOptions = {}): Promise<string> {
  const { batchClass = "now", zone = "local", text = randomBytes(9).toString("hex"), ...request } = options;
  const input = Buffer.from(text);
  const digest = digestOf({ model: "m", version: "1", zone, signature: "", scope: "", salt: "", input });
  const taskId = createTaskId(digest.shard, Date.now());
  await admitTask(
    redis,
    {
      taskId,
      owner: "anna",
      lane: { model: "m", version: "1", zone, batchClass },
      digest,
      signature: "",
      ttlMs: 60_000,
      input: { kind: "input", bytes: input },
      ...request,
    },
    DEFAULT_SETTINGS.forAll,
  );
  return taskId;
}

/** What a task says now: "open", or its terminal state. */
export async function stateOf(redis: RedisClient, taskId: string): Promise<string> {
  const reply = await readTask(redis, taskId);
  return "state" in reply ? reply.state : reply.kind;
}

/** How many tasks are in each state. */
export async function statesOf(redis: RedisClient, taskIds: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const state of await Promise.all(taskIds.map((taskId) => stateOf(redis, taskId)))) {
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** Entries in all ready streams of the test model: the work that is open. */
export async function openEntries(redis: RedisClient): Promise<number> {
  const lengths = Array.from({ length: SHARD_COUNT }, (_, shard) =>
    ["now", "bulk"].map((batchClass) => redis.xlen(keys.ready(shard, `m:1:local:${batchClass}`))),
  );
  return (await Promise.all(lengths.flat())).reduce((sum, length) => sum + length, 0);
}

/** The shard of a task. */
export const shardOf = (taskId: string): number => parseTaskId(taskId)?.shard ?? -1;

/** Waits until `check` holds; how long it took, in milliseconds. @throws Error after `limitMs` */
export async function until(check: () => boolean | Promise<boolean>, limitMs: number, what: string): Promise<number> {
  const startedMs = performance.now();
  while (!(await check())) {
    if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - startedMs;
}

/** The value of one metric, named with its labels as in the text format. */
export async function metricOf(batcher: Batcher, name: string): Promise<number> {
  const lines = (await batcher.metrics.registry.metrics()).split("\n");
  return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1));
}
