import {
  connectRedis,
  decodeNotice,
  keys,
  listDeadLetters,
  parseRedisUrl,
  parseTaskId,
  type RedisClient,
  SHARD_COUNT,
} from "@sluice/broker";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Stack, startStack, type Supervised } from "../../src/index.js";
import { createTaskClient, digestOfText, runMany, type TaskClient, type TaskResult, textOf } from "./task-client.js";

const LANE = "sleep:1:local:now";
const NOTICES = keys.notices("default", "now");
const TASKS = 5_000;

let dir: string;
let stack: Stack;
let client: TaskClient;
let redis: RedisClient;

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "sluice-crash-"));
  stack = await startStack({ dir, models: ["sleep"], supervise: true });
  client = createTaskClient(stack.apiUrl);
  redis = await connectRedis(parseRedisUrl(stack.redis.url), pino({ level: "silent" }));
});
afterAll(async () => {
  await client.close();
  redis.disconnect();
  await stack.stop();
  await rm(dir, { recursive: true });
});

const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
const isOpen = async (runId: string) =>
  (await redis.hget(keys.run(parseTaskId(runId)?.shard ?? 0, runId), "state")) === "OPEN";

/** Runs whose custody lies in Redis now. */
async function openRuns(): Promise<string[]> {
  const streams = await Promise.all(shards.map((shard) => redis.xrange(keys.ready(shard, LANE), "-", "+")));
  return streams.flat().map(([, fields]) => fields[1] ?? "");
}

/** The runs of each batch that a worker slot has claimed and not settled yet. */
async function runningBatches(): Promise<string[][]> {
  const pending = (await redis.xpending(NOTICES, "workers", "-", "+", 100)) as [string, string][];
  const notices = await Promise.all(pending.map(([id]) => redis.xrangeBuffer(NOTICES, id, id)));
  const batches = notices.map(([entry]) => {
    const payload = entry?.[1][1];
    return (payload && decodeNotice(payload))?.rows.map((row) => row.runId) ?? [];
  });
  const claimed = await Promise.all(
    batches.map(async ([first = ""]) => {
      const worker = await redis.hget(keys.run(parseTaskId(first)?.shard ?? 0, first), "worker");
      return worker !== null && worker !== "";
    }),
  );
  return batches.filter((_, i) => claimed[i]);
}

/** Waits until at least two batches are running, then kills. Gives what was open at that moment. */
async function killInTheMiddle(victim: Supervised) {
  const at = await vi.waitFor(
    async () => {
      const open = await openRuns();
      const running = await runningBatches();
      expect(running.length).toBeGreaterThanOrEqual(2);
      return { running: running.flat(), open };
    },
    { timeout: 20_000, interval: 5 },
  );
  const killedMs = performance.now();
  victim.kill("SIGKILL");
  return { ...at, killedMs };
}

/** How long it takes, from `sinceMs`, until none of these runs is open any more. */
async function untilClosed(runIds: readonly string[], sinceMs: number): Promise<number> {
  for (const runId of runIds) {
    while (await isOpen(runId)) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return performance.now() - sinceMs;
}

/** Nothing is left anywhere: no custody, no notice, no dead letter. */
async function expectNothingLeft(): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await openRuns()).toEqual([]);
      expect(await redis.xlen(NOTICES)).toBe(0);
    },
    { timeout: 20_000, interval: 100 },
  );
  for (const shard of shards) {
    if (await redis.exists(keys.ready(shard, LANE))) {
      expect((await redis.xpending(keys.ready(shard, LANE), "batchers"))[0]).toBe(0);
    }
  }
  expect(await listDeadLetters(redis)).toEqual([]);
}

const victims: [string, () => Supervised | undefined, number | undefined][] = [
  ["api", () => stack.roles.api[0], undefined],
  ["gpu-worker", () => stack.roles["gpu-worker"][0], 6_000],
  ["batcher", () => stack.roles.batcher[0], 8_000],
  ["triton", () => stack.triton.process, undefined],
];

describe.each(victims)(
  "kill -9 of %s in the middle of 5,000 tasks, with two batches running",
  (name, victim, withinMs) => {
    test("every accepted task ends once, as SUCCESS, with its own answer, and nothing is left", async () => {
      const process = victim();
      if (!process) throw new Error(`${name} does not run`);
      const restarts = process.restarts();
      const tasks = runMany(client, TASKS, 256, (i) => ({ model: "sleep", input: textOf(name, i) }));
      await new Promise((resolve) => setTimeout(resolve, 700));
      const { running, open, killedMs } = await killInTheMiddle(process);
      expect(running.length).toBeGreaterThan(0);
      const closedMs = await untilClosed(name === "gpu-worker" ? running : open, killedMs);
      if (withinMs !== undefined) expect(closedMs).toBeLessThan(withinMs);

      const results = await tasks;
      for (const [i, result] of results.entries()) {
        expect(result).toMatchObject({ status: "SUCCESS", output: { digest: digestOfText(textOf(name, i)) } });
      }
      expect(process.restarts()).toBe(restarts + 1);
      await expectNothingLeft();
      for (const result of results.filter((_, i) => i % 10 === 0)) {
        const again = (await (await fetch(`${stack.apiUrl}/v1/result/${result.task_id}`)).json()) as TaskResult;
        expect(again).toMatchObject({ status: "SUCCESS", output: result.output, batch: result.batch });
      }
    }, 120_000);
  },
);
