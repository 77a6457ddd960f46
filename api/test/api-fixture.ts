import {
  connectRedis,
  createConfirmedWrites,
  createDoneEvents,
  createLiveSettings,
  createLocalBlobStore,
  createModelRegistry,
  createServerWatch,
  createShardSubscriber,
  heartbeatSlots,
  keys,
  parseRedisUrl,
  parseTaskId,
  type RedisClient,
  type RedisTarget,
  registerModels,
  SHARD_COUNT,
  systemClock,
} from "@sluice/broker";
import { type RedisServer, startRedisServer } from "@sluice/stack";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { Agent, request } from "undici";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { type Api, type ApiDeps, type ApiOptions, createApi } from "../src/index.js";
import { MODELS } from "./models.js";

export const silentLog = pino({ level: "silent" });

/** An answer, its JSON read. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
}

/** How to ask. */
export interface Ask {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  readonly json?: unknown;
  readonly raw?: string | Buffer;
  readonly headers?: Record<string, string>;
}

/** A real redis-server, and for each test an empty database, the test models, a live slot and an api. */
export interface ApiFixture {
  server: RedisServer;
  target: RedisTarget;
  redis: RedisClient;
  api: Api;
  blobDir: string;
  ask(path: string, ask?: Ask): Promise<Answer>;
  submit(input: unknown, options?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  /** Starts one more api on the same Redis. The caller stops it. */
  startApi(options?: Partial<ApiOptions>): Promise<Api>;
  /** Ends the live slot: its pool has no worker from now on. */
  dismissWorkers(): Promise<void>;
  /** Keys of tasks, runs, queues and so on: everything but settings, models and slots. */
  workKeys(): Promise<string[]>;
  blobs(): Promise<string[]>;
}

/** @param options.deps instead of what the fixture gives every api */
export function useApi(
  options: { readonly slots?: boolean; readonly deps?: Partial<ApiDeps> } & Partial<ApiOptions> = {},
): ApiFixture {
  const { slots = true, deps = {}, ...how } = options;
  const fixture = {} as ApiFixture;
  const agent = new Agent({ connections: null, pipelining: 1, headersTimeout: 65_000 });
  const apis: Api[] = [];
  let heartbeat: NodeJS.Timeout | undefined;
  beforeAll(async () => {
    fixture.server = await startRedisServer();
    fixture.target = parseRedisUrl(fixture.server.url);
    fixture.redis = await connectRedis(fixture.target, silentLog);
  });
  beforeEach(async () => {
    await fixture.redis.flushall();
    fixture.blobDir = await mkdtemp(join(tmpdir(), "sluice-blobs-"));
    await registerModels(fixture.redis, MODELS);
    if (slots) {
      const beat = () => heartbeatSlots(fixture.redis, "default", ["slot-1"]);
      await beat();
      heartbeat = setInterval(() => void beat().catch(() => undefined), 1_000);
    }
    fixture.api = await fixture.startApi();
  });
  afterEach(async () => {
    clearInterval(heartbeat);
    const waits = apis.map((api) => api.waitCount());
    for (const api of apis.splice(0)) await api.stop();
    await rm(fixture.blobDir, { recursive: true, force: true });
    expect(waits, "waits that nobody closed").toEqual(waits.map(() => 0));
  });
  afterAll(async () => {
    await agent.close();
    fixture.redis.disconnect();
    await fixture.server.stop();
  });
  fixture.startApi = async (options = {}) => {
    const { redis, target } = fixture;
    const api = createApi(
      {
        redis,
        writes: createConfirmedWrites(target, redis, { level: "memory" }),
        servers: createServerWatch(redis, { level: "memory" }, silentLog),
        doneEvents: createDoneEvents(createShardSubscriber(target, silentLog)),
        models: createModelRegistry(redis, silentLog),
        settings: createLiveSettings(redis, silentLog),
        blobs: createLocalBlobStore(fixture.blobDir),
        clock: systemClock,
        log: silentLog,
        ...deps,
      },
      { host: "127.0.0.1", port: 0, drainMs: 50, ...how, ...options },
    );
    apis.push(api);
    await api.start();
    return api;
  };
  fixture.dismissWorkers = async () => {
    clearInterval(heartbeat);
    await fixture.redis.del(keys.slots("default"));
  };
  fixture.ask = async (path, { method = "GET", json, raw, headers = {} } = {}) => {
    const body = json === undefined ? raw : JSON.stringify(json);
    const answer = await request(fixture.api.url + path, {
      dispatcher: agent,
      method,
      headers: { ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    const isJson = String(answer.headers["content-type"]).includes("json") && text !== "";
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: (isJson ? JSON.parse(text) : { text }) as Record<string, unknown>,
    };
  };
  fixture.submit = (input, more = {}, headers = {}) =>
    fixture.ask("/v1/inference", { method: "POST", json: { input, ...more }, headers });
  fixture.workKeys = async () => {
    const all = await fixture.redis.keys("*");
    return all
      .filter((key) => ![keys.models, keys.config, keys.goodConfig, keys.slots("default")].includes(key))
      .sort();
  };
  fixture.blobs = async () => {
    const files = await readdir(fixture.blobDir, { recursive: true, withFileTypes: true });
    return files.filter((file) => file.isFile()).map((file) => file.name);
  };
  return fixture;
}

/** Text of a hash field of a run. */
export async function runField(redis: RedisClient, runId: string, field: string): Promise<string | null> {
  return await redis.hget(keys.run(parseTaskId(runId)?.shard ?? 0, runId), field);
}

/** How many runs there are. */
export async function countRuns(redis: RedisClient): Promise<number> {
  const all = await redis.keys("*:run:*");
  return all.filter((key) => !key.endsWith(":tasks")).length;
}

export const allShards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

/** Waits until something is so. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error("it did not come to be");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
