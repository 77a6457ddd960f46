import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { BrokerError } from "@sluice/broker";
import type { InferParameters, InferRequest, InferResponse } from "@sluice/proto";
import { type ModelServer, startModelServer } from "@sluice/stack";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createSharedMemoryClient } from "../../src/triton/shared-memory/shared-memory-client.js";
import { createTritonClient, type TritonClient } from "../../src/triton/triton-client.js";
import { bytesElements } from "./fake-model.js";

const limits = { deadlineMs: 10_000 };
const log = pino({ level: "silent" });
const served = { includeTest: true, only: ["identity", "glimpse", "sleep"] };
const HOLD_REGION = fileURLToPath(new URL("hold-region.fixture.mjs", import.meta.url));
let server: ModelServer;
let direct: TritonClient;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startModelServer(served);
  direct = createTritonClient({ url: server.grpcUrl, maxMessageBytes: 2 ** 27 });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(async () => {
  await direct.close();
  await server.stop();
});

/** Numbers of one row each, in one piece a row as they come from tasks. */
function requestOf(model: string, shape: number[], start = 0): InferRequest {
  const [rows = 0, ...dims] = shape;
  const width = dims.reduce((product, size) => product * size, 1);
  const pieces = Array.from({ length: rows }, (_, row) =>
    Buffer.from(Float32Array.from({ length: width }, (_, i) => start + row * width + i).buffer),
  );
  return {
    modelName: model,
    inputs: [{ name: "INPUT", datatype: "FP32", shape }],
    outputs: [{ name: "OUTPUT" }],
    rawInputContents: [pieces],
  };
}

/** A client with shared memory, and what it sent and got: whether inputs and outputs went outside the messages. */
function connect() {
  /** Set: so many bytes are said to be there for an output in shared memory. */
  const world: { outputBytes?: bigint } = {};
  const outside: { inputs: boolean; outputs: boolean; failed?: string }[] = [];
  const plain = createTritonClient({ url: server.grpcUrl, maxMessageBytes: 2 ** 27 });
  const noting: TritonClient = {
    ...plain,
    async infer(request, callLimits) {
      const inputs = request.rawInputContents.length === 0;
      try {
        const response = await plain.infer(withOutputBytes(request, world.outputBytes), callLimits);
        outside.push({ inputs, outputs: response.rawOutputContents.every(({ length }) => length === 0) });
        return response;
      } catch (error) {
        outside.push({ inputs, outputs: false, failed: String((error as BrokerError).details["status"]) });
        throw error;
      }
    },
  };
  const client = createSharedMemoryClient(noting, log);
  ends.push(() => client.close());
  return { client, outside, world };
}

function withOutputBytes(request: InferRequest, value: bigint | undefined): InferRequest {
  if (value === undefined || !request.outputs?.some(({ parameters }) => parameters)) return request;
  const parameters = (old: InferParameters = new Map()): InferParameters =>
    new Map([...old, ["shared_memory_byte_size", { kind: "int64", value }]]);
  return {
    ...request,
    outputs: request.outputs.map((output) => ({ ...output, parameters: parameters(output.parameters) })),
  };
}

const contentsOf = ({ rawOutputContents: [contents] }: InferResponse) => Buffer.from(contents ?? []);
const regionFiles = () => readdirSync("/dev/shm").filter((name) => name.startsWith("sluice-tensors-"));
/** Regions of this Triton; files of other tests that run now are not among them. */
const regions = async () => [...(await direct.sharedMemoryStatus("", limits)).keys()];
const filesOf = (names: readonly string[]) => regionFiles().filter((name) => names.includes(name));

test("large tensors go through shared memory, answers too once their size is known, and small ones do not", async () => {
  const { client, outside } = connect();
  for (const start of [0, 1_000, 2_000]) {
    const request = requestOf("identity", [64, 5_000], start);
    expect(contentsOf(await client.infer(request, limits)).equals(Buffer.concat(request.rawInputContents.flat()))).toBe(
      true,
    );
  }
  await client.infer(requestOf("identity", [64, 10]), limits);
  expect(outside).toEqual([
    { inputs: true, outputs: false },
    { inputs: true, outputs: true },
    { inputs: true, outputs: true },
    { inputs: false, outputs: false },
  ]);
  const names = await regions();
  // One region served all calls until it had to be larger for the answers.
  expect(names).toHaveLength(1);
  expect(filesOf(names)).toEqual(names);
  await client.close();
  expect(await regions()).toEqual([]);
  expect(filesOf(names)).toEqual([]);
});

test("calls in flight do not share a region, and larger ones take the place of small ones", async () => {
  const { client, outside } = connect();
  const shapes = [
    [1, 3, 224, 224],
    [2, 3, 224, 224],
    [8, 3, 224, 224],
  ];
  for (let round = 0; round < 2; round++) {
    const requests = shapes.map((shape, start) => requestOf("glimpse", shape, start));
    const [answers, expected] = await Promise.all(
      [client, direct].map((one) => Promise.all(requests.map((request) => one.infer(request, limits)))),
    );
    expect(answers?.map(contentsOf)).toEqual(expected?.map(contentsOf));
  }
  expect(outside.every(({ inputs }) => inputs)).toBe(true);
  await expect.poll(regions).toHaveLength(3);
});

test("a call that is given up leaves its region to Triton, and the next one gets another", async () => {
  const { client } = connect();
  const texts = Array.from({ length: 64 }, (_, row) => String(row).repeat(5_000));
  const request: InferRequest = {
    modelName: "sleep",
    inputs: [{ name: "TEXT", datatype: "BYTES", shape: [64, 1] }],
    outputs: [{ name: "DIGEST" }],
    rawInputContents: [texts.map((text) => bytesElements(text))],
  };
  const right = contentsOf(await client.infer(request, limits));
  const busy = Array.from({ length: 6 }, () => client.infer(request, limits));
  await expect(client.infer(request, { deadlineMs: 40 })).rejects.toMatchObject({
    details: { status: "DEADLINE_EXCEEDED" },
  });
  expect((await Promise.all(busy)).map(contentsOf)).toEqual(busy.map(() => right));
  expect(contentsOf(await client.infer(request, limits))).toEqual(right);
  await client.close();
  expect(await regions()).toEqual([]);
});

test("an answer that does not fit what was set aside for it is taken over gRPC, and nothing is set aside again", async () => {
  const { client, outside, world } = connect();
  const request = requestOf("identity", [4, 50_000]);
  const right = Buffer.concat(request.rawInputContents.flat());
  for (let call = 0; call < 2; call++) await client.infer(request, limits);
  outside.splice(0);
  world.outputBytes = 8n;
  for (let call = 0; call < 2; call++) expect(contentsOf(await client.infer(request, limits)).equals(right)).toBe(true);
  expect(outside).toEqual([
    { inputs: true, outputs: false, failed: "INTERNAL" },
    { inputs: false, outputs: false },
    { inputs: true, outputs: false },
  ]);
});

test("an input that is refused with shared memory is refused without", async () => {
  const { client, outside } = connect();
  await expect(client.infer(requestOf("glimpse", [4, 100, 1_000]), limits)).rejects.toMatchObject({
    code: "input-rejected",
  });
  expect(outside).toEqual([
    { inputs: true, outputs: false, failed: "INVALID_ARGUMENT" },
    { inputs: false, outputs: false, failed: "INVALID_ARGUMENT" },
  ]);
});

test("what a killed process leaves is there until the next one starts, and then is not", async () => {
  if (!existsSync(fileURLToPath(new URL("../../dist/triton/connect-triton.js", import.meta.url)))) {
    throw new Error("gpu-worker is not built");
  }
  const before = await regions();
  const child = spawn(process.execPath, [HOLD_REGION, server.grpcUrl], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  const left = (await regions()).filter((name) => !before.includes(name));
  expect(left).toHaveLength(1);
  expect(filesOf(left)).toEqual(left);

  const { client } = connect();
  expect(await client.modelReady("identity", "1", limits)).toBe(true);
  await expect.poll(regions).toEqual(before);
  expect(filesOf(left)).toEqual([]);
});

test("a Triton that is restarted knows no region, and no call fails for it", async () => {
  const { client, outside } = connect();
  const request = requestOf("identity", [64, 5_000]);
  const right = Buffer.concat(request.rawInputContents.flat());
  for (let call = 0; call < 2; call++) await client.infer(request, limits);
  const grpcPort = Number(server.grpcUrl.split(":")[1]);
  await server.stop(0);
  server = await startModelServer({ ...served, grpcPort });
  await expect.poll(() => client.modelReady("identity", "1", limits).catch(() => false), { timeout: 5_000 }).toBe(true);
  outside.splice(0);
  for (let call = 0; call < 2; call++) expect(contentsOf(await client.infer(request, limits)).equals(right)).toBe(true);
  expect(outside).toEqual([
    { inputs: true, outputs: false, failed: "NOT_FOUND" },
    { inputs: false, outputs: false },
    { inputs: true, outputs: true },
  ]);
});
