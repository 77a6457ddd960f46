import { BrokerError, type ModelDefinition, type RowOutcome } from "@sluice/broker";
import { type ModelServer, startModelServer } from "@sluice/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseTritonMetrics, readStatistics, timesBetween } from "../../src/backpressure/triton-reading.js";
import { textRow } from "../../src/preprocess/text-row.js";
import { buildInferRequest, splitInferResponse } from "../../src/triton/batch-tensors.js";
import type { RowTensor } from "../../src/triton/row-tensor.js";
import { createTritonClient, type TritonClient } from "../../src/triton/triton-client.js";
import { fp32 } from "./fake-model.js";

const limits = { deadlineMs: 10_000 };
const served = { includeTest: true, only: ["identity", "refuses", "sleep"] };
let server: ModelServer;
let client: TritonClient;

beforeAll(async () => {
  server = await startModelServer(served);
  client = createTritonClient({ url: server.grpcUrl });
});
afterAll(async () => {
  await client.close();
  await server.stop();
});

function definitionOf(name: string): ModelDefinition {
  const model = server.models.find(({ definition }) => definition.name === name);
  if (!model) throw new Error(`the server has no model ${name}`);
  return model.definition;
}

async function run(model: ModelDefinition, rows: RowTensor[], deadlineMs = limits.deadlineMs): Promise<RowOutcome[]> {
  const response = await client.infer(buildInferRequest(model, rows, "batch"), { deadlineMs });
  return splitInferResponse(model, response, rows.length);
}

async function runTexts(name: string, texts: string[], deadlineMs?: number): Promise<RowOutcome[]> {
  const model = definitionOf(name);
  if (model.input.kind !== "text") throw new Error(`${name} takes no text`);
  const { input } = model;
  return await run(
    model,
    texts.map((text) => textRow(Buffer.from(text), input)),
    deadlineMs,
  );
}

async function errorOf(call: Promise<unknown>): Promise<Pick<BrokerError, "code" | "details">> {
  const error: unknown = await call.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(BrokerError);
  const { code, details } = error as BrokerError;
  return { code, details };
}

const textOf = (outcome: RowOutcome | undefined) =>
  outcome?.state === "SUCCESS" ? Buffer.from(outcome.output[0]?.data.subarray(4) ?? []).toString() : outcome;

describe("a real Triton", () => {
  test("is alive and ready, and knows its models", async () => {
    expect(await client.serverLive(limits)).toBe(true);
    expect(await client.serverReady(limits)).toBe(true);
    expect(await client.modelReady("identity", "1", limits)).toBe(true);
    expect(await client.modelReady("identity", "2", limits)).toBe(false);
    expect(await client.modelReady("nobody", "1", limits)).toBe(false);
    const index = await client.repositoryIndex(limits);
    expect(index).toEqual(served.only.map((name) => ({ name, version: "1", state: "READY", reason: "" })));
    expect(await client.modelMetadata("sleep", "1", limits)).toEqual({
      name: "sleep",
      versions: ["1"],
      platform: "python",
      inputs: [{ name: "TEXT", datatype: "BYTES", shape: [-1, 1] }],
      outputs: [{ name: "DIGEST", datatype: "BYTES", shape: [-1, 1] }],
    });
    const config = await client.modelConfig("sleep", "1", limits);
    expect(config).toMatchObject({ name: "sleep", backend: "python", maxBatchSize: 64 });
    expect(config.instanceGroup.map(({ count }) => count)).toEqual([1]);
    expect(config.dynamicBatching).toBeUndefined();
  });

  test("gives every row of a batch its own numbers back", async () => {
    const rows = Array.from({ length: 64 }, (_, row): RowTensor => {
      return { datatype: "FP32", shape: [300], data: fp32(...Array.from({ length: 300 }, (_, i) => row + i / 1000)) };
    });
    expect(await run(definitionOf("identity"), rows)).toEqual(
      rows.map(({ datatype, shape, data }) => ({
        state: "SUCCESS",
        output: [{ name: "OUTPUT", datatype, shape, data }],
      })),
    );
  });

  test("gives every text of a batch its own answer, the empty and the long one too", async () => {
    const texts = ["", "é", "x".repeat(100_000)];
    expect((await runTexts("refuses", texts)).map(textOf)).toEqual(texts);
  });

  test("counts rows and executions", async () => {
    const statistics = async () => (await client.modelStatistics("sleep", limits))[0];
    const before = await statistics();
    await runTexts("sleep", ["a", "b", "c"]);
    // Triton answers before it counts.
    await expect.poll(async () => (await statistics())?.inferenceCount).not.toBe(before?.inferenceCount);
    const after = await statistics();
    if (!before || !after) throw new Error("there are no statistics");
    expect(after.inferenceCount - before.inferenceCount).toBe(3);
    expect(after.executionCount - before.executionCount).toBe(1);
    expect(after.inferenceStats.success.count - before.inferenceStats.success.count).toBe(1);
    const batches = after.batchStats.find(({ batchSize }) => batchSize === 3);
    expect(batches?.computeInfer.count).toBe(1);
    // The model sleeps 5.75 ms for three rows.
    expect(batches?.computeInfer.ns).toBeGreaterThan(5_000_000n);
  });

  test("tells the same times on its page of metrics as in its statistics, and of no GPU where there is none", async () => {
    const page = async () => parseTritonMetrics(await (await fetch(server.metricsUrl)).text());
    const statistics = async () => readStatistics(await client.modelStatistics("", limits));
    const before = (await page()).counters;
    for (let call = 0; call < 4; call++) await runTexts("sleep", ["a", "b", "c"]);
    // Triton answers before it counts.
    await expect.poll(async () => (await page()).counters.requests).toBe(before.requests + 4);
    const { counters, ...gauges } = await page();
    expect(gauges).toEqual({ gpuUtilization: undefined, gpuMemory: undefined });
    const told = (await statistics()).counters;
    expect(told.requests).toBe(counters.requests);
    // The page has whole microseconds for each model and request.
    expect(Math.abs(told.queueMs - counters.queueMs)).toBeLessThan(1);
    expect(Math.abs(told.computeMs - counters.computeMs)).toBeLessThan(1);
    const times = timesBetween(before, counters);
    // The model sleeps 5.75 ms for three rows.
    expect(times?.computeMs).toBeGreaterThan(5.7);
    expect(times?.queueMs).toBeGreaterThan(0);
  });

  test("blames the right one for what fails", async () => {
    const identity = definitionOf("identity");
    const row: RowTensor = { datatype: "FP32", shape: [1], data: fp32(1) };
    expect(await errorOf(run({ ...identity, name: "nobody" }, [row]))).toEqual({
      code: "endpoint-unavailable",
      details: { status: "NOT_FOUND" },
    });
    const ofTwo: RowTensor = { ...row, shape: [1, 1] };
    expect(await errorOf(run(identity, [ofTwo]))).toEqual({
      code: "input-rejected",
      details: { status: "INVALID_ARGUMENT" },
    });
    expect(await errorOf(runTexts("refuses", ["good", "invalid"]))).toEqual({
      code: "input-rejected",
      details: { status: "INVALID_ARGUMENT" },
    });
    expect(await errorOf(runTexts("refuses", ["good", "poison"]))).toEqual({
      code: "upstream-invalid",
      details: { status: "INTERNAL" },
    });
    const misnamed = { ...identity, outputs: identity.outputs.map((output) => ({ ...output, tensor: "OTHER" })) };
    expect((await errorOf(run(misnamed, [row]))).code).toBe("input-rejected");
  });

  test("is not waited for beyond the deadline", async () => {
    const texts = Array.from({ length: 64 }, (_, row) => `${row}`);
    expect(await errorOf(runTexts("sleep", texts, 10))).toEqual({
      code: "endpoint-unavailable",
      details: { status: "DEADLINE_EXCEEDED" },
    });
    expect((await runTexts("sleep", ["after"])).map(({ state }) => state)).toEqual(["SUCCESS"]);
  });

  test("that is killed makes its calls fail, and a new one at the same place is found", async () => {
    const texts = Array.from({ length: 64 }, (_, row) => `${row}`);
    const calls = Array.from({ length: 10 }, () => runTexts("sleep", texts));
    const ends = Promise.allSettled(calls);
    await Promise.race(calls);
    server.kill("SIGKILL");
    const failures = (await ends).flatMap((end) => (end.status === "rejected" ? [end.reason as BrokerError] : []));
    // The model takes 21 ms a batch, so most of them were not done when one was.
    expect(failures.length).toBeGreaterThan(0);
    for (const { code, details } of failures) {
      expect({ code, details }).toEqual({ code: "endpoint-unavailable", details: { status: "UNAVAILABLE" } });
    }
    expect((await errorOf(client.modelReady("sleep", "1", limits))).code).toBe("endpoint-unavailable");
    const grpcPort = Number(server.grpcUrl.split(":")[1]);
    await server.stop();
    server = await startModelServer({ ...served, grpcPort });
    await expect.poll(() => client.modelReady("sleep", "1", limits).catch(() => false), { timeout: 1_500 }).toBe(true);
    expect((await runTexts("sleep", ["again"])).map(({ state }) => state)).toEqual(["SUCCESS"]);
  });
});
