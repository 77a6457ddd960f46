import {
  createLocalBlobStore,
  DEFAULT_SETTINGS,
  modelDefinitionSchema,
  type RedisClient,
  systemClock,
} from "@sluice/broker";
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createApiMetrics } from "../src/metrics.js";
import { toSubmission } from "../src/submission/submission.js";
import { admitOrder } from "../src/tasks/admit-order.js";
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

function setUp(redis: RedisClient, text: string) {
  const models = { all: () => MODELS, get: () => modelDefinitionSchema.parse(MODELS[0]) };
  const order = toOrder(toSubmission({ kind: "text", text }, {}), { owner: "anna", key: undefined }, models);
  const task = planTask(order, "1", systemClock.epochMs(), randomBytes);
  const metrics = createApiMetrics(() => 0);
  const blobs = createTaskBlobs(createLocalBlobStore(fixture.blobDir), metrics, silentLog);
  const deps = {
    redis,
    blobs,
    metrics,
    settings: { current: () => DEFAULT_SETTINGS },
    pools: { isDeserted: () => false },
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
