import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  admitTask,
  type BatchClass,
  type BatchReason,
  type BlobStore,
  connectRedis,
  countLiveSlots,
  createBlobReaper,
  createConfirmedWrites,
  createLiveSettings,
  createLocalBlobStore,
  createModelRegistry,
  createTaskId,
  decodeFailure,
  decodeOutput,
  DEFAULT_SETTINGS,
  type DeadLetter,
  digestOf,
  formatLane,
  keys,
  type Lane,
  listDeadLetters,
  type ModelDefinition,
  parseReadyEntry,
  parseRedisUrl,
  parseTaskId,
  publishBatch,
  type ReadTaskReply,
  readTask,
  type RedisClient,
  type RedisTarget,
  registerModels,
  SHARD_COUNT,
  systemClock,
} from "@sluice/broker";
import { type RedisServer, startRedisServer } from "@sluice/stack";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { parseEndpointAddresses } from "../src/endpoints/endpoint-plan.js";
import { createGpuWorker, type GpuWorkerOptions } from "../src/gpu-worker.js";
import { createGpuWorkerMetrics } from "../src/metrics.js";

export const POOL = "default";
const log = pino({ level: process.env["TEST_LOG"] ?? "silent" });

/** A real redis-server and a blob folder for one file, empty before each test; what a test starts is stopped after it. */
export function useBroker() {
  const fixture = {} as { server: RedisServer; target: RedisTarget; redis: RedisClient; blobs: BlobStore };
  const running: { stop(): Promise<void> }[] = [];
  let folder = "";
  beforeAll(async () => {
    fixture.server = await startRedisServer();
    fixture.target = parseRedisUrl(fixture.server.url);
    fixture.redis = await connectRedis(fixture.target, log);
    folder = await mkdtemp(join(tmpdir(), "sluice-blobs-"));
    fixture.blobs = createLocalBlobStore(folder);
  });
  beforeEach(async () => {
    await fixture.redis.flushall();
  });
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
  });
  afterAll(async () => {
    fixture.redis.disconnect();
    await fixture.server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A worker of this process, for the Tritons of a list as TRITON_URL has it, with live settings as an operator would write them. */
  const startWorker = async (
    { tritonUrl, ...options }: Partial<GpuWorkerOptions> & { tritonUrl: string },
    world: {
      models: readonly ModelDefinition[];
      settings?: Record<string, string>;
      redis?: RedisClient;
      /** How long blobs are kept after the end of their runs. */
      blobGraceMs?: number;
    },
  ) => {
    const redis = world.redis ?? fixture.redis;
    await registerModels(fixture.redis, world.models);
    if (Object.keys(world.settings ?? {}).length > 0) await fixture.redis.hset(keys.config, world.settings ?? {});
    const models = createModelRegistry(redis, log);
    const settings = createLiveSettings(redis, log);
    const metrics = createGpuWorkerMetrics();
    const writes = createConfirmedWrites(fixture.target, redis, { level: "memory" });
    const { blobGraceMs: graceMs = 100 } = world;
    const reaper = createBlobReaper(
      { writes, blobs: fixture.blobs, clock: systemClock, log },
      { graceMs, everyMs: 20 },
    );
    const worker = createGpuWorker(
      { ...fixture, redis, models, settings, reaper, metrics, clock: systemClock, log },
      { endpoints: parseEndpointAddresses(tritonUrl) ?? [], pool: POOL, slots: 2, decodeConcurrency: 2, ...options },
    );
    const stop = async () => {
      await worker.stop();
      await reaper.stop();
      await settings.stop();
      await models.stop();
    };
    running.push({ stop });
    await models.start();
    await settings.start();
    await reaper.start();
    await worker.start();
    return { worker, metrics, stop };
  };
  return {
    fixture,
    startWorker,
    use: <S extends { stop(): Promise<void> }>(service: S) => (running.push(service), service),
  };
}

/** A task as a client would submit it. */
export interface Submission {
  readonly model?: string;
  readonly input: string | Uint8Array;
  /** Put the input into the blob store. */
  readonly asBlob?: BlobStore;
  readonly batchClass?: BatchClass;
  /** A run of its own although an equal one is open. */
  readonly salt?: string;
  readonly ttlMs?: number;
}

export interface Submitted {
  readonly taskId: string;
  readonly runId: string;
  readonly shard: number;
  readonly digest: string;
}

const laneOf = ({ model = "m", batchClass = "now" }: Pick<Submission, "model" | "batchClass">): Lane => ({
  model,
  version: "1",
  zone: "local",
  batchClass,
});

/** Admits a task the way the api does. */
export async function submit(redis: RedisClient, submission: Submission): Promise<Submitted> {
  const { model = "m", asBlob, salt = "", ttlMs = 60_000 } = submission;
  const input = Buffer.from(submission.input);
  const digest = digestOf({ model, version: "1", zone: "local", signature: "", scope: "", salt, input });
  const taskId = createTaskId(digest.shard, Date.now());
  if (asBlob) await asBlob.put(taskId, input);
  const reply = await admitTask(
    redis,
    {
      taskId,
      owner: "anna",
      lane: laneOf(submission),
      digest,
      signature: "",
      ttlMs,
      input: asBlob ? { kind: "blob", blobId: taskId } : { kind: "input", bytes: input },
    },
    DEFAULT_SETTINGS.forAll,
  );
  if (reply.kind === "full") throw new Error("the queue is full");
  return { taskId, runId: reply.runId, shard: digest.shard, digest: digest.text };
}

let batches = 0;

/** Publishes a batch the way a batcher does, as soon as the pool has a credit. */
export async function publish(
  redis: RedisClient,
  tasks: readonly Submitted[],
  options: {
    model?: string;
    batchClass?: BatchClass;
    reason?: BatchReason;
    digest?: string;
    batcher?: string;
    /** @defaultValue POOL */
    site?: string;
  } = {},
) {
  const { batchClass = "now", reason = "full", site = POOL } = options;
  const notice = {
    batchId: `batch-${++batches}`,
    batcher: "b1",
    lane: formatLane(laneOf(options)),
    reason,
    waitMs: 1,
    rows: tasks.map(({ runId, digest }) => ({
      runId,
      digest: options.digest ?? digest,
      admittedMs: parseTaskId(runId)?.createdMs ?? 0,
    })),
  };
  await until(async () => {
    const reply = await publishBatch(redis, site, { batchClass, notice, prefetch: 8 });
    return reply.kind === "published";
  });
  return { batchId: notice.batchId };
}

/** Looks until it is so. */
export async function until(what: () => Promise<boolean> | boolean, timeoutMs = 15_000): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs;
  while (!(await what())) {
    if (performance.now() > giveUpAt) throw new Error(`not so within ${timeoutMs} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function runIdOf(entry: [Buffer, Buffer[]]): string {
  const ref = parseReadyEntry("", entry);
  return typeof ref === "object" ? ref.runId : "?";
}

/** What is left in Redis, apart from tasks and finished runs. */
export async function leftovers(redis: RedisClient) {
  const ready: string[] = [];
  let notices = 0;
  let pendingNotices = 0;
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    for (const key of await redis.keys(keys.ready(shard, "*"))) {
      for (const entry of await redis.xrangeBuffer(key, "-", "+")) ready.push(runIdOf(entry));
    }
  }
  for (const batchClass of ["now", "bulk"]) {
    const key = keys.notices(POOL, batchClass);
    if ((await redis.exists(key)) === 0) continue;
    notices += await redis.xlen(key);
    pendingNotices += Number((await redis.xpending(key, "workers"))[0]);
  }
  const dead = (await listDeadLetters(redis)).map((letter: DeadLetter) => letter.runId);
  return { ready: ready.sort(), notices, pendingNotices, dead: dead.sort() };
}

export const NOTHING_LEFT = { ready: [], notices: 0, pendingNotices: 0, dead: [] };

/** The states of tasks, in order. */
export async function statesOf(redis: RedisClient, tasks: readonly Submitted[]): Promise<ReadTaskReply[]> {
  return await Promise.all(tasks.map(({ taskId }) => readTask(redis, taskId)));
}

/** Waits until no task of these is open, and says what they came to: the echoed text, or the code of the failure. */
export async function resultsOf(redis: RedisClient, tasks: readonly Submitted[]): Promise<string[]> {
  let states = await statesOf(redis, tasks);
  await until(async () => {
    states = await statesOf(redis, tasks);
    return states.every(({ kind }) => kind !== "open");
  });
  return states.map((state) => {
    if (state.kind !== "done") return state.kind;
    if (state.state === "FAILED") return decodeFailure(state.error).code;
    return Buffer.from(decodeOutput(state.output)[0]?.data.subarray(4) ?? []).toString();
  });
}

/** The raw fields of a run. */
export const runFields = (redis: RedisClient, { shard, runId }: Submitted) => redis.hgetall(keys.run(shard, runId));

export const liveSlots = (redis: RedisClient) => countLiveSlots(redis, POOL);
