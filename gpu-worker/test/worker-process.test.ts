import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { keys, registerModels } from "@sluice/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modelOf } from "./model-fixture.js";
import { type ScriptedTriton, startScriptedTriton } from "./scripted-triton.js";
import { leftovers, liveSlots, NOTHING_LEFT, publish, statesOf, submit, until, useBroker } from "./worker-fixture.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const { fixture } = useBroker();
let triton: ScriptedTriton;
let worker: ChildProcess | undefined;

beforeEach(async () => {
  triton = await startScriptedTriton();
  await registerModels(fixture.redis, [modelOf({})]);
});
afterEach(() => {
  worker?.kill("SIGKILL");
  triton.stop();
});

/** Starts the built worker. @returns its process and where it answers HTTP. */
async function startProcess(env: Record<string, string> = {}) {
  if (!existsSync(MAIN)) throw new Error("gpu-worker is not built");
  const variables = { REDIS_URL: fixture.server.url, TRITON_URL: triton.url, METRICS_PORT: "0", ...env };
  worker = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env["PATH"], ...variables },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { stdout } = worker;
  if (!stdout) throw new Error("no output");
  for await (const line of createInterface(stdout)) {
    const entry = JSON.parse(line) as { msg: string; metricsPort?: number };
    if (entry.msg === "gpu-worker started") {
      stdout.resume();
      return { process: worker, url: `http://127.0.0.1:${entry.metricsPort}` };
    }
  }
  throw new Error("the worker ended before it had started");
}

test("a process serves batches, tells its state over HTTP, and ends with 0 on SIGTERM when its batch is settled", async () => {
  const { process, url } = await startProcess();
  await until(async () => (await liveSlots(fixture.redis)) === 2);
  expect((await fetch(`${url}/healthz/ready`)).status).toBe(200);
  expect((await fetch(`${url}/healthz/live`)).status).toBe(200);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);

  triton.script = async (texts) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return texts;
  };
  const tasks = await Promise.all(["a", "b"].map((input) => submit(fixture.redis, { input })));
  await publish(fixture.redis, tasks);
  await until(() => triton.calls.length === 1);
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
    /sluice_batches_in_flight 1[^]*sluice_slot_last_poll_seconds\{slot="1"\}/,
  );
  process.kill("SIGTERM");
  expect(await once(process, "exit")).toEqual([0, null]);
  expect((await statesOf(fixture.redis, tasks)).map(({ kind }) => kind)).toEqual(["done", "done"]);
  expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  expect(await fixture.redis.zcard(keys.slots("default"))).toBe(0);
});

test("a process whose Triton is not there waits: it is alive, not ready, and brings no credits", async () => {
  triton.ready = false;
  const { process, url } = await startProcess();
  expect((await fetch(`${url}/healthz/ready`)).status).toBe(503);
  expect((await fetch(`${url}/healthz/live`)).status).toBe(200);
  expect(await liveSlots(fixture.redis)).toBe(0);
  triton.ready = true;
  await until(async () => (await fetch(`${url}/healthz/ready`)).status === 200);
  await until(async () => (await liveSlots(fixture.redis)) === 2);
  process.kill("SIGINT");
  expect(await once(process, "exit")).toEqual([0, null]);
});

test("a process with a bad configuration says what is wrong and ends", async () => {
  const child = spawn(process.execPath, [MAIN], { env: { SLOTS: "none" }, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  expect(code).not.toBe(0);
  expect(said).toContain("SLOTS: none is not allowed");
});
