import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, expect, test } from "vitest";
import { keys, type RedisTarget, SHARD_COUNT } from "@sluice/broker";
import { admitMany, openEntries, statesOf, until, useBatchers } from "./batcher-fixture.js";

const fixture = useBatchers();
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const children: ChildProcess[] = [];

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error("batcher/dist is missing: build first (npm run build)");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A batcher as a process of its own, when it has started. */
async function startProcess(target: RedisTarget): Promise<{ child: ChildProcess; name: string; url: string }> {
  const [node] = target.nodes;
  const env = { ...process.env, REDIS_URL: `redis://${node?.host}:${node?.port}`, LOG_LEVEL: "info" };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const entry = JSON.parse(line) as { msg: string; batcher: string; host: string; port: number };
    if (entry.msg !== "batcher started") continue;
    child.stdout.resume();
    return { child, name: entry.batcher, url: `http://${entry.host}:${entry.port}` };
  }
  throw new Error("the batcher ended before it had started");
}

const exitCode = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once("exit", resolve));
const ownedBy = async (name: string) => {
  const owners = Array.from({ length: SHARD_COUNT }, (_, shard) => fixture.redis.get(keys.owner(shard)));
  return (await Promise.all(owners)).filter((owner) => owner === name).length;
};

test("a batcher that is killed is replaced within eight seconds, and every task ends once", async () => {
  const { redis, target } = fixture;
  const survivor = await fixture.batcher();
  const { child, name } = await startProcess(target);
  await until(async () => (await ownedBy(name)) > 0, 5_000, "it has shards");
  await until(async () => (await ownedBy(name)) + (await ownedBy(survivor.name)) === SHARD_COUNT, 3_000, "shared");
  // Read by the one that is killed, and published by nobody: there is no worker yet.
  const ids = await admitMany(redis, 300);
  await until(async () => (await pendingFor(name)) > 0, 2_000, "it has read some");
  child.kill("SIGKILL");
  const worker = await fixture.worker();
  const tookMs = await until(() => worker.settled.length >= 300, 10_000, "all settled");
  expect(tookMs).toBeLessThan(8_000);
  // Control: nobody may take a shard before its lease has ended.
  expect(tookMs).toBeGreaterThan(2_000);
  expect(worker.settled.toSorted()).toEqual(ids.toSorted());
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 300 });
  expect(await openEntries(redis)).toBe(0);
});

test("SIGTERM ends the process in order, with code 0 and its shards given up", async () => {
  const { child, name, url } = await startProcess(fixture.target);
  await until(async () => (await ownedBy(name)) === SHARD_COUNT, 5_000, "it has all shards");
  await until(async () => (await fetch(`${url}/healthz/ready`)).status === 200, 5_000, "ready");
  expect((await fetch(`${url}/healthz/live`)).status).toBe(200);
  expect((await fetch(`${url}/nothing`)).status).toBe(404);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain("sluice_shards_owned 16");
  expect(metrics).toContain("sluice_batch_size_distribution");
  const exited = exitCode(child);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(await ownedBy(name)).toBe(0);
  expect(await fixture.redis.zcard(keys.batchers())).toBe(0);
});

async function pendingFor(name: string): Promise<number> {
  const { redis } = fixture;
  const counts = Array.from({ length: SHARD_COUNT }, async (_, shard) => {
    const stream = keys.ready(shard, "m:1:local:now");
    return (await redis.xpending(stream, "batchers", "-", "+", 1_000, name)).length;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

test("a batcher that cannot start ends, although it is connected already, so that it is started again", async () => {
  const { redis, target } = fixture;
  // It may connect, and nothing else: the first thing that it does then fails.
  await redis.call("ACL", "SETUSER", "visitor", "on", ">secret", "~*", "&*", "+@connection", "+info", "+cluster");
  const [node] = target.nodes;
  const env = { ...process.env, REDIS_URL: `redis://visitor:secret@${node?.host}:${node?.port}`, LOG_LEVEL: "fatal" };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
  const late = new Promise<string>((resolve) => setTimeout(resolve, 10_000, "still there after 10 s"));
  expect(await Promise.race([exitCode(child), late])).toBe(1);
});
