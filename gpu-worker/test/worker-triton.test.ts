import { createHash } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeFailure, decodeOutput, encodeTensorInput, keys } from "@sluice/broker";
import { freePort, type ModelServer, projectFolders, startModelServer } from "@sluice/stack";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTritonClient, type TritonClient } from "../src/triton/triton-client.js";
import {
  leftovers,
  NOTHING_LEFT,
  publish,
  runFields,
  statesOf,
  submit,
  type Submitted,
  until,
  useBroker,
} from "./worker-fixture.js";

const { fixture, startWorker } = useBroker();
const limits = { deadlineMs: 5_000 };
const MODELS = ["identity", "refuses", "sleep"];
let modelFolder: string;
let grpcPort: number;
let server: ModelServer;
let client: TritonClient;

const startServer = () => startModelServer({ includeTest: true, modelFolder, grpcPort });
beforeAll(async () => {
  modelFolder = await mkdtemp(join(tmpdir(), "sluice-worker-models-"));
  await cp(fileURLToPath(new URL("models", import.meta.url)), modelFolder, { recursive: true });
  for (const name of MODELS) await cp(join(projectFolders.models, name), join(modelFolder, name), { recursive: true });
  grpcPort = await freePort();
  server = await startServer();
  client = createTritonClient({ url: server.grpcUrl });
});
afterAll(async () => {
  await client.close();
  await server.stop();
  await rm(modelFolder, { recursive: true, force: true });
});

const start = (settings: Record<string, string> = {}) =>
  startWorker({ tritonUrl: server.grpcUrl }, { models: server.models.map((model) => model.definition), settings });

const submitAll = (model: string, inputs: readonly (string | Uint8Array)[]) =>
  Promise.all(inputs.map((input) => submit(fixture.redis, { model, input })));

/** Those that have not ended, after a moment. */
async function openOf(tasks: readonly Submitted[]): Promise<Submitted[]> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const states = await statesOf(fixture.redis, tasks);
  return tasks.filter((_, i) => states[i]?.kind === "open");
}

async function done(tasks: readonly Submitted[]) {
  await until(async () => (await statesOf(fixture.redis, tasks)).every(({ kind }) => kind !== "open"));
  await until(async () => (await leftovers(fixture.redis)).notices === 0);
}

const answersOf = async (tasks: readonly Submitted[]) =>
  (await statesOf(fixture.redis, tasks)).map((state) => {
    if (state.kind !== "done") return state.kind;
    if (state.state === "FAILED") return decodeFailure(state.error).code;
    return Buffer.from(decodeOutput(state.output)[0]?.data.subarray(4) ?? []).toString();
  });
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

async function countersOf(model: string) {
  const statistics = (await client.modelStatistics(model, limits))[0];
  return { rows: statistics?.inferenceCount ?? 0, executions: statistics?.executionCount ?? 0 };
}

/** Rows and executions since then. Triton counts a moment after it has answered. */
async function countedSince(before: { rows: number; executions: number }, model: string): Promise<[number, number]> {
  await until(async () => (await countersOf(model)).rows > before.rows);
  const after = await countersOf(model);
  return [after.rows - before.rows, after.executions - before.executions];
}

describe("with a real Triton", () => {
  test("a batch of 64 is one execution of 64 rows, and every task gets its own answer", async () => {
    await start();
    const texts = Array.from({ length: 64 }, (_, i) => `text ${i}`);
    const tasks = await submitAll("sleep", texts);
    const before = await countersOf("sleep");
    await publish(fixture.redis, tasks, { model: "sleep" });
    await done(tasks);
    expect(await answersOf(tasks)).toEqual(texts.map(sha256));
    expect(await countedSince(before, "sleep")).toEqual([64, 1]);
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  });

  test("equal digests are one row", async () => {
    await start();
    const { redis } = fixture;
    const tasks = await Promise.all(
      [1, 2, 3, 4].map((i) => submit(redis, { model: "sleep", input: "twin", salt: `${i}` })),
    );
    const before = await countersOf("sleep");
    await publish(redis, tasks, { model: "sleep", digest: "same" });
    await done(tasks);
    expect(await answersOf(tasks)).toEqual(new Array(4).fill(sha256("twin")));
    expect(await countedSince(before, "sleep")).toEqual([1, 1]);
  });

  test("tensors go in and come out as they are", async () => {
    await start();
    const rows = Array.from({ length: 8 }, (_, row) => Float32Array.from({ length: 5 }, (_, i) => row + i / 8));
    const inputs = rows.map((row) =>
      encodeTensorInput({ datatype: "FP32", shape: [5], data: new Uint8Array(row.buffer) }),
    );
    const tasks = await submitAll("identity", inputs);
    await publish(fixture.redis, tasks, { model: "identity" });
    await done(tasks);
    const outputs = (await statesOf(fixture.redis, tasks)).map(
      (state) => state.kind === "done" && decodeOutput(state.output),
    );
    expect(outputs).toEqual(
      rows.map((row) => [{ name: "OUTPUT", datatype: "FP32", shape: [5], data: Buffer.from(row.buffer) }]),
    );
  });

  test("one bad picture of eight fails alone; pictures come from the blob store and leave it", async () => {
    await start();
    const { redis, blobs } = fixture;
    const pictures = await Promise.all(
      Array.from({ length: 8 }, (_, i) => {
        const background = { r: i * 30, g: 0, b: 255 };
        return sharp({ create: { width: 16, height: 12, channels: 3, background } })
          .png()
          .toBuffer();
      }),
    );
    pictures[3] = pictures[3]?.subarray(0, 60) ?? Buffer.alloc(0);
    const tasks = await Promise.all(pictures.map((input) => submit(redis, { model: "colour", input, asBlob: blobs })));
    const before = await countersOf("colour");
    await publish(redis, tasks, { model: "colour" });
    await done(tasks);
    const states = await statesOf(redis, tasks);
    const colours = states.map((state) => {
      if (state.kind !== "done" || state.state === "FAILED") return undefined;
      const { data } = decodeOutput(state.output)[0] ?? { data: Buffer.alloc(0) };
      return Array.from(new Float32Array(Uint8Array.from(data).buffer), (mean) => Math.round(mean * 255));
    });
    expect(colours).toEqual(pictures.map((_, i) => (i === 3 ? undefined : [i * 30, 0, 255])));
    expect((await answersOf(tasks))[3]).toMatch(/^(image-corrupt|unsupported-image-type)$/);
    expect(await countedSince(before, "colour")).toEqual([7, 1]);
    expect(await leftovers(redis)).toEqual({ ...NOTHING_LEFT, dead: [tasks[3]?.runId] });
    const kept = () => Promise.all(tasks.map(async ({ taskId }) => (await blobs.get(taskId)) !== undefined));
    // They go one after the other, a moment after their runs have ended.
    await until(async () => (await kept()).filter(Boolean).length === 1);
    expect(await kept()).toEqual(pictures.map((_, i) => i === 3));
  });

  test("a poisonous text is found and fails alone; its mates succeed", async () => {
    const { metrics } = await start({ "retry.base_ms": "1" });
    const texts = Array.from({ length: 32 }, (_, i) => `text ${i}`);
    texts[7] = "this is poison";
    texts[20] = "this is invalid";
    const tasks = await submitAll("refuses", texts);
    await publish(fixture.redis, tasks, { model: "refuses" });
    await done(tasks);
    const expected = texts.map((text, i) => (i === 7 ? "upstream-invalid" : i === 20 ? "input-rejected" : text));
    expect(await answersOf(tasks)).toEqual(expected);
    const dead = [tasks[7]?.runId, tasks[20]?.runId].sort();
    expect(await leftovers(fixture.redis)).toEqual({ ...NOTHING_LEFT, dead });
    expect(await metrics.registry.metrics()).toContain("sluice_bisected_total 1");
  });

  test("a Triton that is killed gets its batches given back; nothing is lost or buried, and all is done when it is back", async () => {
    const { worker } = await start();
    const texts = Array.from({ length: 256 }, (_, i) => `text ${i}`);
    const tasks = await submitAll("sleep", texts);
    for (let i = 0; i < 256; i += 64) await publish(fixture.redis, tasks.slice(i, i + 64), { model: "sleep" });
    await until(async () => (await statesOf(fixture.redis, tasks)).some(({ kind }) => kind === "done"));
    server.kill("SIGKILL");
    await until(async () => (await leftovers(fixture.redis)).pendingNotices === 0);
    await until(async () => (await fixture.redis.zcard(keys.slots("default"))) === 0);
    expect(worker.isReady()).toBe(false);
    const left = new Set((await leftovers(fixture.redis)).ready);
    expect(left.size).toBeGreaterThan(0);
    expect((await leftovers(fixture.redis)).dead).toEqual([]);
    for (const task of tasks.filter(({ runId }) => left.has(runId))) {
      const run = await runFields(fixture.redis, task);
      expect([run["state"], run["lease"] ?? "0"]).toEqual(["OPEN", "0"]);
    }
    await server.stop();
    server = await startServer();
    await until(() => worker.isReady());
    // As a batcher does with what comes back: the breaker lets one batch in at first.
    for (let open = tasks; open.length > 0; open = await openOf(open)) {
      if ((await leftovers(fixture.redis)).notices > 0) continue;
      for (let i = 0; i < open.length; i += 64) await publish(fixture.redis, open.slice(i, i + 64), { model: "sleep" });
    }
    expect(await answersOf(tasks)).toEqual(texts.map(sha256));
    await until(async () => (await leftovers(fixture.redis)).notices === 0);
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  }, 60_000);
});
