import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "../../src/index.js";
import { countsBetween, modelCounts } from "./model-counts.js";
import { createTaskClient, digestOfText, runMany, type TaskClient, textOf } from "./task-client.js";

let dir: string;
let stack: Stack;
let client: TaskClient;
const sleepCounts = () => modelCounts(stack.triton.httpUrl ?? "", "sleep");

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "sluice-e2e-"));
  stack = await startStack({ dir, models: ["sleep"] });
  client = createTaskClient(stack.apiUrl);
});
afterAll(async () => {
  await client.close();
  await stack.stop();
  await rm(dir, { recursive: true });
});

test("10,000 different tasks at 256 clients: every answer is right, batches are large, and no row runs twice", async () => {
  const before = await sleepCounts();
  const texts = Array.from({ length: 10_000 }, (_, i) => textOf("different", i));
  const results = await runMany(client, texts.length, 256, (i) => ({ model: "sleep", input: texts[i] }));
  for (const [i, result] of results.entries()) {
    expect(result).toMatchObject({ status: "SUCCESS", output: { digest: digestOfText(texts[i] ?? "") } });
  }
  const ran = countsBetween(before, await sleepCounts());
  expect(ran.inferences).toBe(10_000);
  expect(ran.inferences / ran.executions).toBeGreaterThanOrEqual(24);
});

test("1,000 submissions of 10 different inputs at once: 10 rows reach Triton, 1,000 results come back", async () => {
  const before = await sleepCounts();
  const texts = Array.from({ length: 10 }, (_, i) => textOf("same", i));
  const results = await runMany(client, 1_000, 1_000, (i) => ({ model: "sleep", input: texts[i % 10] }));
  expect(new Set(results.map((result) => result.task_id)).size).toBe(1_000);
  for (const [i, result] of results.entries()) {
    expect(result).toMatchObject({ status: "SUCCESS", output: { digest: digestOfText(texts[i % 10] ?? "") } });
  }
  expect(results.filter((result) => result.cache === "miss")).toHaveLength(10);
  expect(countsBetween(before, await sleepCounts()).inferences).toBe(10);
});

test("control: without sharing, 20 equal submissions are 20 rows", async () => {
  const before = await sleepCounts();
  await runMany(client, 20, 20, () => ({ model: "sleep", input: "equal", dedupe: false }));
  expect(countsBetween(before, await sleepCounts()).inferences).toBe(20);
});
