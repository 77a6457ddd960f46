import type { ModelStatistics } from "@sluice/proto";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTritonReader, type TritonReader } from "../../src/backpressure/triton-reader.js";
import { type ScriptedMetrics, startScriptedMetrics } from "./scripted-metrics.js";

const NONE = { source: "none", gpuUtilization: undefined, gpuMemory: undefined, times: undefined };
let page: ScriptedMetrics;
let reader: TritonReader;
/** Later than the clock of the machine. */
let aheadMs: number;
let statistics: () => Promise<ModelStatistics[]>;

beforeEach(async () => {
  aheadMs = 0;
  statistics = () => Promise.reject(new Error("not there"));
  page = await startScriptedMetrics({ utilization: 0.95, usedBytes: 30, totalBytes: 40 });
  const clock = { epochMs: () => Date.now(), monotonicMs: () => performance.now() + aheadMs };
  reader = createTritonReader(
    { client: { modelStatistics: () => statistics() }, clock, log: pino({ level: "silent" }) },
    { metricsUrl: page.url, everyMs: 10 },
  );
});
afterEach(async () => {
  await reader.stop();
  await page.stop();
});

async function until(what: () => boolean): Promise<void> {
  const giveUpAtMs = performance.now() + 15_000;
  while (!what()) {
    if (performance.now() > giveUpAtMs) throw new Error(`not so: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ofModel = (requests: number, queueNs: bigint, computeNs: bigint): ModelStatistics[] => {
  const none = { count: 0, ns: 0n };
  const rest = { fail: none, computeInput: none, computeOutput: none, cacheHit: none, cacheMiss: none };
  const counts = { success: { count: requests, ns: 0n }, queue: { count: requests, ns: queueNs } };
  const inferenceStats = { ...rest, ...counts, computeInfer: { count: requests, ns: computeNs } };
  const heads = { name: "m", version: "1", lastInference: 0, inferenceCount: requests, executionCount: requests };
  return [{ ...heads, inferenceStats, batchStats: [] }];
};

test("tells the gauges, and what requests took since the reading before", async () => {
  expect(reader.latest()).toEqual(NONE);
  await reader.start();
  await until(() => reader.latest().source === "metrics");
  expect(reader.latest()).toEqual({ source: "metrics", gpuUtilization: 0.95, gpuMemory: 0.75, times: undefined });
  const served = setInterval(() => {
    page.model.requests += 2;
    page.model.queueUs += 1_000;
    page.model.computeUs += 40_000;
  }, 1);
  await until(() => reader.latest().times !== undefined);
  clearInterval(served);
  expect(reader.latest().times).toEqual({ queueMs: 0.5, computeMs: 20 });
});

test.each([
  ["no page", 404],
  ["a page of something else", { page: "up 1\n" }],
])("asks for the statistics where there is %s, and goes back to the page", async (_name, trouble) => {
  page.trouble = trouble;
  let requests = 0;
  statistics = async () => ofModel(++requests, BigInt(requests) * 2_000_000n, BigInt(requests) * 15_000_000n);
  await reader.start();
  await until(() => reader.latest().times !== undefined);
  const times = { queueMs: 2, computeMs: 15 };
  expect(reader.latest()).toEqual({ ...NONE, source: "statistics", times });
  page.trouble = undefined;
  await until(() => reader.latest().source === "metrics");
});

test("a page that hangs or fails is asked for at one reading in ten", async () => {
  page.trouble = 500;
  let readings = 0;
  statistics = async () => ofModel(++readings, 0n, 0n);
  await reader.start();
  await until(() => readings >= 33);
  expect(page.asked).toBeGreaterThanOrEqual(5);
  expect(page.asked).toBeLessThanOrEqual(8);
});

test("what the page told of GPUs holds for five seconds, though it fails and the statistics answer", async () => {
  statistics = async () => ofModel(1, 0n, 0n);
  await reader.start();
  await until(() => reader.latest().source === "metrics");
  page.trouble = 500;
  await until(() => reader.latest().source === "statistics");
  expect(reader.latest()).toMatchObject({ gpuUtilization: 0.95, gpuMemory: 0.75 });
  aheadMs = 5_000;
  await until(() => reader.latest().source === "statistics");
  expect(reader.latest()).toMatchObject({ gpuUtilization: undefined, gpuMemory: undefined });
});

test("what is older than five seconds is forgotten, and stopping before starting does no harm", async () => {
  await reader.start();
  await until(() => reader.latest().source === "metrics");
  page.trouble = "hang";
  aheadMs = 5_000;
  expect(reader.latest()).toEqual(NONE);
  await reader.stop();
  await reader.stop();
  const other = createTritonReader(
    {
      client: { modelStatistics: () => statistics() },
      clock: { epochMs: Date.now, monotonicMs: () => 0 },
      log: pino({ level: "silent" }),
    },
    { metricsUrl: page.url },
  );
  await other.stop();
  await other.start();
  expect(other.latest()).toEqual(NONE);
});
