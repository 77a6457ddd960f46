import {
  createConfirmedWrites,
  createLocalBlobStore,
  DEFAULT_SETTINGS,
  modelDefinitionSchema,
  type RedisClient,
  systemClock,
} from "@sluice/broker";
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sweepBlobs } from "../src/blobs/blob-sweeper.js";
import { createApiMetrics } from "../src/metrics.js";
import { toSubmission } from "../src/submission/submission.js";
import { admitOrder } from "../src/tasks/admit-order.js";
import { bindOrder, type PlanOrder } from "../src/tasks/bind-order.js";
import { planTask, toOrder } from "../src/tasks/plan-task.js";
import { createTaskBlobs } from "../src/tasks/task-blobs.js";
import { countRuns, silentLog, useApi } from "./api-fixture.js";
import { MODELS } from "./models.js";

const fixture = useApi();

/** A client that carries every command out, but says of the first `cuts` that the connection was cut. */
function cutting(redis: RedisClient, cuts: number, error = new Error("Connection is closed.")): RedisClient {
  let left = cuts;
  return new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== "sendCommand") return value;
      return async (command: Parameters<RedisClient["sendCommand"]>[0]) => {
        const reply: unknown = await target.sendCommand(command);
        if (left-- > 0) throw error;
        return reply;
      };
    },
  });
}

/** A client that carries no command out. */
function refusing(redis: RedisClient, error: Error): RedisClient {
  return new Proxy(redis, {
    get: (target, name) =>
      name === "sendCommand" ? () => Promise.reject(error) : (Reflect.get(target, name, target) as unknown),
  });
}

const writesOn = (redis: RedisClient) => createConfirmedWrites(fixture.target, redis, { level: "memory" });

function setUp(redis: RedisClient, text: string, key?: string) {
  const models = { all: () => MODELS, get: () => modelDefinitionSchema.parse(MODELS[0]) };
  const order = toOrder(toSubmission({ kind: "text", text }, {}), { owner: "anna", key, zone: "local" }, models);
  const task = planTask(order, systemClock.epochMs(), randomBytes);
  const metrics = createApiMetrics({
    waits: () => 0,
    bodyBytes: () => 0,
    refusedSettings: () => 0,
    pollAgesMs: () => ({}),
  });
  const blobs = createTaskBlobs({
    blobs: createLocalBlobStore(fixture.blobDir),
    reaper: { add: () => undefined },
    metrics,
    log: silentLog,
  });
  const deps = {
    redis,
    writes: writesOn(redis),
    blobs,
    metrics,
    log: silentLog,
    settings: { current: () => DEFAULT_SETTINGS },
    pools: { isDeserted: () => false },
    loads: { expectedWaitMs: () => 0, mostPerShard: () => Infinity, saw: () => undefined },
    memory: { use: () => 0 },
  };
  return { deps, order, task };
}

test("an admission whose reply was lost is repeated, and is admitted once", async () => {
  const { deps, order, task } = setUp(cutting(fixture.redis, 2), "cut twice");
  expect(await admitOrder(deps, order, task)).toEqual({ runId: task.taskId, cache: undefined });
  expect(await countRuns(fixture.redis)).toBe(1);
  const [key] = await fixture.redis.keys("*:run:*");
  expect(await fixture.redis.hget(key ?? "", "live")).toBe("1");
});

test("one whose outcome stays unknown is told as that, and keeps its blob: it may have been admitted", async () => {
  const { deps, order, task } = setUp(cutting(fixture.redis, 99), "x".repeat(70_000));
  await expect(admitOrder(deps, order, task)).rejects.toMatchObject({ code: "durability-unconfirmed" });
  expect(await countRuns(fixture.redis)).toBe(1);
  expect(await fixture.blobs()).toEqual([task.taskId]);
});

test("one that was certainly not carried out is refused at once, and its blob goes", async () => {
  const oom = Object.assign(new Error("OOM command not allowed"), { name: "ReplyError" });
  const { deps, order, task } = setUp(cutting(fixture.redis, 99, oom), "x".repeat(70_000));
  await expect(admitOrder(deps, order, task)).rejects.toMatchObject({ code: "storage-unavailable" });
  expect(await fixture.blobs()).toEqual([]);
});

test("a shard takes no more runs than can be done in time; its depth is noted, also with a refusal", async () => {
  const shard = setUp(fixture.redis, "0").task.digest.shard;
  const texts = Array.from({ length: 200 }, (_, text) => String(text));
  const there = texts.filter((text) => setUp(fixture.redis, text).task.digest.shard === shard);
  const seen: number[] = [];
  const admit = (text: string, room: number) => {
    const { deps, order, task } = setUp(fixture.redis, text);
    const saw = (_lane: string, of: number, depth: number) => void seen.push(of, depth);
    return admitOrder({ ...deps, loads: { expectedWaitMs: () => 0, mostPerShard: () => room, saw } }, order, task);
  };
  const [first = "", second = "", third = ""] = there;
  await admit(first, 2);
  await admit(second, 2);
  await expect(admit(third, 2)).rejects.toMatchObject({ code: "deadline-unattainable", details: { retryAfterMs: 0 } });
  await expect(admit(third, 1)).rejects.toMatchObject({ details: { retryAfterMs: 60_000 } });
  expect(await admit(second, 1)).toMatchObject({ cache: "joined" });
  expect(await admit(third, Infinity)).toMatchObject({ cache: "miss" });
  expect(seen).toEqual([1, 2, 2, 2, 3].flatMap((depth) => [shard, depth]));
});

describe("two requests with one Idempotency-Key, of which the second took the first's place", () => {
  const LARGE = "x".repeat(70_000);
  const oom = Object.assign(new Error("OOM command not allowed"), { name: "ReplyError" });
  const bindingKey = async () => (await fixture.redis.keys("sluice:{*}:key:*"))[0] ?? "";

  /** One request as far as its key is bound; `refuses` is a Redis that carries no admission out. */
  async function bind(refuses: boolean) {
    const { deps, order } = setUp(fixture.redis, LARGE, "k");
    const plan: PlanOrder = (asked) => planTask(asked, systemClock.epochMs(), randomBytes);
    const { task, release, confirm } = await bindOrder(deps, order, "k", plan);
    const redis = refuses ? refusing(fixture.redis, oom) : fixture.redis;
    return { task, confirm, admit: () => admitOrder({ ...deps, writes: writesOn(redis) }, order, task, release) };
  }

  /** Two attempts that both are on their way. */
  async function bindTwo(firstIsRefused: boolean, secondIsRefused: boolean) {
    const first = await bind(firstIsRefused);
    await fixture.redis.hincrby(await bindingKey(), "since", -6_000);
    const second = await bind(secondIsRefused);
    expect(second.task.taskId).toBe(first.task.taskId);
    return { first, second, taskId: first.task.taskId };
  }

  test("the first is refused late: blob and key of the second stay", async () => {
    const { first, second, taskId } = await bindTwo(true, false);
    expect(await second.admit()).toEqual({ runId: taskId, cache: "miss" });
    // It is refused before the second could note that it was admitted.
    await expect(first.admit()).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(await fixture.blobs()).toEqual([taskId]);
    await second.confirm();
    expect(await fixture.redis.hgetall(await bindingKey())).toMatchObject({ task: taskId, admitted: "1" });
    await expect(first.admit()).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(await fixture.blobs()).toEqual([taskId]);
    expect(await fixture.redis.hgetall(await bindingKey())).toMatchObject({ task: taskId, admitted: "1" });
  });

  test("the second is refused: the first may have been admitted, so its task id and its blob stay", async () => {
    const { first, second, taskId } = await bindTwo(false, true);
    await first.admit();
    await expect(second.admit()).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(await fixture.blobs()).toEqual([taskId]);
    // The next one with the key need not wait, and finds the task that the first made.
    const third = await bind(false);
    expect(await third.admit()).toEqual({ runId: taskId, cache: undefined });
    expect(await countRuns(fixture.redis)).toBe(1);
  });

  test("both are refused: nothing but the key stays, and the blob for the sweeper", async () => {
    const { first, second, taskId } = await bindTwo(true, true);
    await expect(second.admit()).rejects.toMatchObject({ code: "storage-unavailable" });
    await expect(first.admit()).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(await fixture.workKeys()).toEqual([await bindingKey()]);
    expect(await fixture.blobs()).toEqual([taskId]);
    const { deps } = setUp(fixture.redis, LARGE);
    const blobs = createLocalBlobStore(fixture.blobDir);
    const found: string[] = [];
    const reaper = { add: (blobId: string) => void found.push(blobId) };
    expect(await sweepBlobs({ redis: fixture.redis, blobs, reaper, log: deps.log }, 0)).toBe(1);
    expect(found).toEqual([taskId]);
  });
});
