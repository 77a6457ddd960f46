import { connectRedis, keys, parseRedisUrl, SHARD_COUNT } from "@sluice/broker";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Stack, startStack } from "../../src/index.js";
import { createTaskClient, digestOfText, runMany, textOf } from "./task-client.js";

const TASKS = 1_500;
const ZONES = ["east", "west"] as const;
type Zone = (typeof ZONES)[number];

let dir: string;
let stacks: Record<Zone, Stack>;

/** Two of each role, a pair to a zone, on one Redis and one Triton. */
beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), "sluice-zones-"));
  const env = { BLOB_DIR: path.join(dir, "blobs") };
  const east = await startStack({ dir: path.join(dir, "east"), models: ["sleep"], env: { ...env, ZONE: "east" } });
  const west = await startStack({
    ...{ dir: path.join(dir, "west"), models: ["sleep"], env: { ...env, ZONE: "west" } },
    ...{ redisUrl: east.redis.url, tritonUrl: east.triton.grpcUrl },
  });
  stacks = { east, west };
});
afterAll(async () => {
  await stacks.west.stop();
  await stacks.east.stop();
  await rm(dir, { recursive: true });
});

/** Submits to the api of a zone and checks that each task has its own answer. @returns how long it took */
async function runIn(zone: Zone, name: string): Promise<number> {
  const client = createTaskClient(stacks[zone].apiUrl, 128);
  const startMs = performance.now();
  const results = await runMany(client, TASKS, 128, (i) => ({ model: "sleep", input: textOf(name, i) }));
  const tookMs = performance.now() - startMs;
  await client.close();
  for (const [i, result] of results.entries()) {
    expect(result).toMatchObject({ status: "SUCCESS", output: { digest: digestOfText(textOf(name, i)) } });
  }
  return tookMs;
}

/** Runs that the workers of a zone have claimed so far. */
async function claimedIn(zone: Zone): Promise<number> {
  const [worker] = stacks[zone].roles["gpu-worker"];
  const page = await (await fetch(`${worker?.url}/metrics`)).text();
  return Number(/^sluice_batch_runs_total\{model="sleep"\} (\d+)$/m.exec(page)?.[1] ?? 0);
}

async function expectNothingOpen(): Promise<void> {
  const redis = await connectRedis(parseRedisUrl(stacks.east.redis.url), pino({ level: "silent" }));
  const streams = ZONES.flatMap((zone) =>
    Array.from({ length: SHARD_COUNT }, (_, shard) => keys.ready(shard, `sleep:1:${zone}:now`)),
  );
  const left = async () => (await Promise.all(streams.map((stream) => redis.xlen(stream)))).filter((n) => n > 0);
  await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 10_000, interval: 100 });
  redis.disconnect();
}

test("two zones each do their own work, and the one that is left does all, whoever of the other was killed", async () => {
  await Promise.all([runIn("east", "first east"), runIn("west", "first west")]);
  // A worker may have claimed a run that it gave back, never one of the other zone.
  for (const zone of ZONES) expect(await claimedIn(zone)).toBeGreaterThanOrEqual(TASKS);
  expect((await claimedIn("east")) + (await claimedIn("west"))).toBeLessThan(2 * TASKS * 1.02);
  await expectNothingOpen();

  // In the middle of its work the west loses its worker and its batcher.
  const before = await claimedIn("east");
  const working = runIn("west", "second west");
  await new Promise((resolve) => setTimeout(resolve, 400));
  for (const role of ["gpu-worker", "batcher"] as const) stacks.west.roles[role][0]?.kill("SIGKILL");
  const [tookMs] = await Promise.all([working, runIn("east", "second east")]);
  // Dead after 3 s of silence; a guest batcher is there 2 s after the dead one is off the list, and owns its shards after 5 s.
  expect(tookMs).toBeLessThan(25_000);
  expect((await claimedIn("east")) - before).toBeGreaterThan(TASKS);
  await expectNothingOpen();

  // And its api: who knows the id of a task reads it in the other zone.
  const submit = { method: "POST", headers: { "content-type": "application/json" } };
  const body = JSON.stringify({ model: "sleep", input: "asked in the west" });
  const accepted = await fetch(`${stacks.west.apiUrl}/v1/inference`, { ...submit, body });
  const { task_id: taskId } = (await accepted.json()) as { task_id: string };
  stacks.west.roles.api[0]?.kill("SIGKILL");
  const result = await fetch(`${stacks.east.apiUrl}/v1/result/${taskId}?wait=10`);
  expect(await result.json()).toMatchObject({
    status: "SUCCESS",
    output: { digest: digestOfText("asked in the west") },
  });
}, 120_000);
