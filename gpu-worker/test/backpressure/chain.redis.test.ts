import { keys, SHARD_COUNT, systemClock } from "@sluice/broker";
import { type Batcher, createBatcher } from "@sluice/batcher";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GpuWorkerMetrics } from "../../src/metrics.js";
import { modelOf } from "../model-fixture.js";
import { type ScriptedTriton, startScriptedTriton } from "../scripted-triton.js";
import {
  leftovers,
  liveSlots,
  NOTHING_LEFT,
  resultsOf,
  submit,
  type Submitted,
  until,
  useBroker,
} from "../worker-fixture.js";
import { type ScriptedGpu, type ScriptedMetrics, startScriptedMetrics } from "./scripted-metrics.js";

const { fixture, startWorker, use } = useBroker();
const SLOTS = 6;
/** Two, or half of them, at first. */
const ACTIVE = 3;
const PREFETCH = 1;
/** How long a batch takes. */
const BATCH_MS = 100;
const SETTINGS = {
  "batch.mode": "fixed",
  "batch.max_size": "4",
  "batch.max_wait_ms": "100",
  prefetch: String(PREFETCH),
};
let triton: ScriptedTriton;
let page: ScriptedMetrics;
let gpu: ScriptedGpu;

beforeEach(async () => {
  triton = await startScriptedTriton();
  triton.script = async (texts) => {
    await new Promise((resolve) => setTimeout(resolve, BATCH_MS));
    return texts;
  };
  gpu = { utilization: 0.5, usedBytes: 40e9, totalBytes: 80e9 };
  page = await startScriptedMetrics(gpu);
});
afterEach(async () => {
  triton.stop();
  await page.stop();
});

async function start() {
  const { metrics } = await startWorker(
    { tritonUrl: triton.url, metricsUrls: new Map([[triton.url, page.url]]), slots: SLOTS },
    { models: [modelOf({})], settings: SETTINGS },
  );
  const { target, redis } = fixture;
  const batcher = use(createBatcher({ target, redis, log: pino({ level: "silent" }), clock: systemClock }));
  await batcher.start();
  return { metrics, batcher };
}

/** Open runs in the ready streams. */
async function open(): Promise<number> {
  const streams = Array.from({ length: SHARD_COUNT }, (_, shard) => keys.ready(shard, "m:1:local:now"));
  const lengths = await Promise.all(streams.map((stream) => fixture.redis.xlen(stream)));
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** What a batcher last heard of the credits of the pool. */
async function creditsOf(batcher: Batcher): Promise<number> {
  const text = await batcher.metrics.registry.metrics();
  return Number(/^sluice_credits\{pool="default",kind="total"\} (\S+)$/m.exec(text)?.[1] ?? NaN);
}

/** Submits 8 tasks every 100 ms, until it is told to stop: all that it has submitted. */
function feed(): () => Promise<Submitted[]> {
  const tasks: Promise<Submitted>[] = [];
  const timer = setInterval(() => {
    for (let i = 0; i < 8; i++) tasks.push(submit(fixture.redis, { input: `text ${tasks.length}` }));
  }, 100);
  const stop = async () => clearInterval(timer);
  use({ stop });
  return async () => {
    await stop();
    return await Promise.all(tasks);
  };
}

const shown = async (metrics: GpuWorkerMetrics, name: string) =>
  Number(
    new RegExp(`^sluice_endpoint_${name}\\{endpoint="${triton.url}"[^}]*\\} (\\S+)$`, "m").exec(
      await metrics.registry.metrics(),
    )?.[1],
  );

test("full memory of a GPU takes slots, credits follow, and open work grows; when there is room again, all comes back", async () => {
  const { metrics, batcher } = await start();
  await until(async () => (await liveSlots(fixture.redis)) === ACTIVE);
  await until(async () => (await creditsOf(batcher)) === ACTIVE * (1 + PREFETCH));
  const stopFeed = feed();
  await until(async () => (await shown(metrics, "gpu_memory_ratio")) === 0.5);

  gpu.usedBytes = 76e9;
  await until(async () => (await liveSlots(fixture.redis)) === 1);
  await until(async () => (await creditsOf(batcher)) === 1 + PREFETCH);
  expect([await shown(metrics, "slots_limit"), await shown(metrics, "depth")]).toEqual([1, ACTIVE]);
  const decreases = `sluice_endpoint_slots_decreased_total{endpoint="${triton.url}",reason="gpu-memory"} 1`;
  expect((await metrics.registry.metrics()).split("\n")).toContain(decreases);
  // More than can be in the hands of slots, wait for them, or have been submitted a moment ago.
  await until(async () => (await open()) > 60);
  expect((await leftovers(fixture.redis)).notices).toBeLessThanOrEqual(1 + PREFETCH);

  gpu.usedBytes = 40e9;
  await until(async () => (await liveSlots(fixture.redis)) === ACTIVE);
  await until(async () => (await creditsOf(batcher)) === ACTIVE * (1 + PREFETCH));
  const tasks = await stopFeed();
  expect(await resultsOf(fixture.redis, tasks)).toEqual(tasks.map((_, i) => `text ${i}`));
  await until(async () => (await leftovers(fixture.redis)).notices === 0);
  expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
}, 60_000);

test("the mark is a setting: at 1 a GPU that is full takes no slot", async () => {
  gpu.usedBytes = 79e9;
  await fixture.redis.hset(keys.config, "backpressure.gpu_memory", "1");
  const { metrics } = await start();
  await until(async () => (await shown(metrics, "gpu_memory_ratio")) > 0.98);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await liveSlots(fixture.redis)).toBe(ACTIVE);
  await fixture.redis.hset(keys.config, "backpressure.gpu_memory", "0.98");
  await until(async () => (await liveSlots(fixture.redis)) === 1);
  // The slot that is left is the one that serves no bulk work as long as there are others.
  const task = await submit(fixture.redis, { input: "bulk", batchClass: "bulk" });
  expect(await resultsOf(fixture.redis, [task])).toEqual(["bulk"]);
}, 60_000);

test("a page that hangs stops no work", async () => {
  page.trouble = "hang";
  const { metrics } = await start();
  const tasks = await Promise.all(Array.from({ length: 40 }, (_, i) => submit(fixture.redis, { input: `text ${i}` })));
  expect(await resultsOf(fixture.redis, tasks)).toEqual(tasks.map((_, i) => `text ${i}`));
  expect([await liveSlots(fixture.redis), await shown(metrics, "slots_limit")]).toEqual([ACTIVE, ACTIVE]);
  expect(await metrics.registry.metrics()).not.toContain("sluice_endpoint_gpu_memory_ratio{");
});
