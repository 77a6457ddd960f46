import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { runClosedLoop } from "../src/load/closed-loop.js";
import { createExchange, type ExchangeName } from "../src/load/exchange.js";
import { createHttpConnections } from "../src/load/http-connections.js";
import { createLoadRecorder } from "../src/load/load-recorder.js";
import { runOpenLoop } from "../src/load/open-loop.js";
import { createTextInputs } from "../src/load/text-inputs.js";

let server: Server | undefined;
afterEach(() => void server?.close().closeAllConnections());

describe("an exchange", () => {
  it("submits, waits and finds every answer right", async () => {
    const { ask } = await startApi({});
    await expect(ask("submit-and-wait")).resolves.toBeUndefined();
    await expect(ask("submit-then-poll")).resolves.toBeUndefined();
  });

  it("polls on while a task is pending", async () => {
    const { ask, requests } = await startApi({ pendingPolls: 2 });
    await expect(ask("submit-then-poll")).resolves.toBeUndefined();
    expect(requests).toEqual(["POST /v1/inference", ...Array<string>(3).fill("GET /v1/result/t0?wait=30")]);
  });

  it.each(["submit-and-wait", "submit-then-poll"] as const)("sees a wrong answer when it checks (%s)", async (name) => {
    const { ask } = await startApi({ digestOf: () => "0".repeat(64) });
    await expect(ask(name)).resolves.toMatchObject({ kind: "wrong" });
  });

  it.each(["submit-and-wait", "submit-then-poll"] as const)(
    "sees a task that failed, checked or not (%s)",
    async (name) => {
      const { ask } = await startApi({ status: "FAILED" });
      await expect(ask(name, false)).resolves.toMatchObject({ kind: "failed" });
      await expect(ask(name, true)).resolves.toMatchObject({ kind: "failed" });
    },
  );

  it("sees a refusal, and a connection that is cut", async () => {
    const refusing = await startServer((_request, response) => response.writeHead(503).end("full"));
    const asking = createExchange("submit-and-wait", createHttpConnections(refusing));
    const nextInput = createTextInputs({ model: "sleep", textBytes: 100, seed: 1 });
    await expect(asking(nextInput(), false)).resolves.toEqual({ kind: "failed", detail: "503 full" });
    server?.close().closeAllConnections();
    await expect(asking(nextInput(), false)).resolves.toMatchObject({ kind: "failed" });
  });
});

describe("the closed loop", () => {
  it("has as many tasks under way as clients, never more", async () => {
    let running = 0;
    let most = 0;
    const deps = loopDeps(async () => {
      most = Math.max(most, ++running);
      await pause(5);
      running--;
    });
    await runClosedLoop(deps, 7, performance.now() + 60);
    expect(most).toBe(7);
    expect(running).toBe(0);
  });
});

describe("the open loop", () => {
  it("submits on schedule while nothing is answered, and counts latency from the schedule", async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const begun: number[] = [];
    const deps = loopDeps(async () => {
      begun.push(performance.now());
      await released;
    });
    const startMs = performance.now();
    const running = runOpenLoop(deps, [0, 20, 40], startMs);
    await pause(100);
    expect(begun).toHaveLength(3);
    release();
    await running;
    const { p50Ms, maxMs } = deps.recorder.report({ openMs: startMs, closeMs: startMs + 1_000 }, "start");
    expect(maxMs).toBeGreaterThanOrEqual(100);
    expect(maxMs - p50Ms).toBeCloseTo(20, 0);
  });

  it("adds to the latency by how much a blocked generator was late", async () => {
    const deps = loopDeps(async () => undefined);
    const startMs = performance.now();
    const running = runOpenLoop(deps, [10, 11], startMs);
    while (performance.now() < startMs + 60);
    const lateMs = await running;
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(48);
    const { p50Ms } = deps.recorder.report({ openMs: startMs, closeMs: startMs + 1_000 }, "start");
    expect(p50Ms).toBeGreaterThanOrEqual(48);
  });
});

describe("the recorder", () => {
  it("has the first of every so many answers checked, and counts equal problems together", () => {
    const recorder = createLoadRecorder({ checkEvery: 3 });
    const checked = Array.from({ length: 7 }, () => recorder.nextIsChecked());
    expect(checked).toEqual([true, false, false, true, false, false, true]);
    recorder.ended(0, 10, undefined);
    recorder.ended(0, 10, { kind: "failed", detail: "503 full" });
    recorder.ended(0, 10, { kind: "failed", detail: "503 full" });
    expect(recorder.report({ openMs: 0, closeMs: 1_000 }, "end")).toMatchObject({
      answered: 1,
      submitted: 7,
      checked: 3,
      problems: [{ kind: "failed", detail: "503 full", count: 2 }],
    });
  });
});

describe("text inputs", () => {
  it("all differ, have the length asked for, and are the same for the same seed", () => {
    const take = (seed: number) => {
      const next = createTextInputs({ model: "sleep", textBytes: 2_048, seed });
      return Array.from({ length: 200 }, () => (JSON.parse(next().body.toString()) as { input: string }).input);
    };
    const texts = [...take(1), ...take(2)];
    expect(new Set(texts).size).toBe(400);
    expect(texts.every((text) => Buffer.byteLength(text) === 2_048)).toBe(true);
    expect(take(1)).toEqual(texts.slice(0, 200));
  });

  it("carry a deadline where one is asked for", () => {
    const next = createTextInputs({ model: "sleep", deadlineMs: 2_000, textBytes: 100, seed: 1 });
    expect(JSON.parse(next().body.toString())).toMatchObject({ model: "sleep", deadline_ms: 2_000 });
    const without = createTextInputs({ model: "sleep", textBytes: 100, seed: 1 });
    expect(JSON.parse(without().body.toString())).not.toHaveProperty("deadline_ms");
  });
});

interface FakeApi {
  readonly status?: string;
  readonly pendingPolls?: number;
  readonly digestOf?: (text: string) => string;
}

/** The API as far as a load generator sees it. */
async function startApi({ status = "SUCCESS", pendingPolls = 0, digestOf = sha256 }: FakeApi) {
  const requests: string[] = [];
  const texts: string[] = [];
  let polls = 0;
  const origin = await startServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const answer = (code: number, body: object) => response.writeHead(code).end(JSON.stringify(body));
    if (request.method === "GET") {
      if (polls++ < pendingPolls) answer(200, { task_id: "t0", status: "PENDING" });
      else answer(200, { task_id: "t0", status, output: { digest: digestOf(texts.at(-1) ?? "") } });
      return;
    }
    const chunks = (await request.toArray()) as Buffer[];
    texts.push((JSON.parse(Buffer.concat(chunks).toString()) as { input: string }).input);
    if (request.headers.prefer === "wait=30") answer(200, { status, output: { digest: digestOf(texts.at(-1) ?? "") } });
    else answer(202, { task_id: "t0", status: "PENDING" });
  });
  const nextInput = createTextInputs({ model: "sleep", textBytes: 100, seed: 1 });
  const connections = createHttpConnections(origin);
  const ask = (name: ExchangeName, check = true) => createExchange(name, connections)(nextInput(), check);
  return { ask, requests };
}

async function startServer(listener: (...args: Parameters<RequestListener>) => unknown): Promise<string> {
  server = createServer((request, response) => void listener(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function loopDeps(work: () => Promise<void>) {
  return {
    exchange: async () => {
      await work();
      return undefined;
    },
    nextInput: createTextInputs({ model: "sleep", textBytes: 100, seed: 1 }),
    recorder: createLoadRecorder({ checkEvery: 1 }),
  };
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
