import { startRedisServer } from "@sluice/stack";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createBlobList } from "../src/blobs/blob-list.js";
import {
  admitTask,
  type BlobReaper,
  type BlobStore,
  connectRedis,
  type ConfirmedWrites,
  createBlobReaper,
  createConfirmedWrites,
  createLocalBlobStore,
  createTaskId,
  deleteDeadLetter,
  keys,
  listDeadLetters,
  parseRedisUrl,
  type RedisClient,
  type RowOutcome,
  settleRuns,
  systemClock,
} from "../src/index.js";
import { silentLog, useRedis } from "./redis-fixture.js";
import { FAILURE, RECORD, runHash, SETTINGS, successOf, taskOf } from "./task-fixture.js";

const GRACE_MS = 200;
/** Longer than the grace, and than some looks. */
const passed = () => new Promise((resolve) => setTimeout(resolve, 3 * GRACE_MS));

describe("the blob reaper", () => {
  const fixture = useRedis();
  const started: { stop(): Promise<void> }[] = [];
  let directory: string;
  let blobs: BlobStore;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "sluice-blobs-"));
    blobs = createLocalBlobStore(directory);
  });
  afterEach(async () => {
    for (const service of started.splice(0).reverse()) await service.stop();
    await rm(directory, { recursive: true });
  });

  async function startReaper(writes: Pick<ConfirmedWrites, "lasting">): Promise<BlobReaper> {
    const deps = { writes, blobs, clock: systemClock, log: silentLog };
    const reaper = createBlobReaper(deps, { graceMs: GRACE_MS, everyMs: 20 });
    started.push(reaper);
    await reaper.start();
    return reaper;
  }
  const inMemory = () => createConfirmedWrites(fixture.target, fixture.redis, { level: "memory" });
  const isThere = async (blobId: string) => (await blobs.get(blobId)) !== undefined;

  /** Admits a task whose input is a blob. @returns its id, which is that of its run and of its blob. */
  async function admit(text: string, redis: RedisClient = fixture.redis): Promise<string> {
    const { taskId, ...request } = taskOf(text);
    await blobs.put(taskId, Buffer.from(text));
    await admitTask(redis, { ...request, taskId, input: { kind: "blob", blobId: taskId } }, SETTINGS);
    return taskId;
  }
  const settle = (runId: string, outcome: RowOutcome, redis: RedisClient = fixture.redis) =>
    settleRuns(redis, [{ runId, outcome, record: RECORD }], 60_000);

  test("deletes the input of a run that succeeded, after the grace and not before", async () => {
    const reaper = await startReaper(inMemory());
    const runId = await admit("one");
    await settle(runId, successOf("ONE"));
    const addedMs = performance.now();
    reaper.add(runId);
    await expect.poll(() => isThere(runId), { interval: 5 }).toBe(false);
    expect(performance.now() - addedMs).toBeGreaterThanOrEqual(GRACE_MS);
  });

  test("leaves the input of a run that is open, and takes it when it is given again", async () => {
    const reaper = await startReaper(inMemory());
    const runId = await admit("one");
    reaper.add(runId);
    await passed();
    expect(await isThere(runId)).toBe(true);
    await settle(runId, successOf("ONE"));
    await passed();
    expect(await isThere(runId)).toBe(true);
    reaper.add(runId);
    await expect.poll(() => isThere(runId)).toBe(false);
  });

  test("leaves what a dead letter has no other copy of, also when its run is forgotten", async () => {
    const reaper = await startReaper(inMemory());
    const failed = await admit("one");
    await settle(failed, FAILURE);
    reaper.add(failed);
    await passed();
    expect(await isThere(failed)).toBe(true);
    await fixture.redis.del(keys.run(taskOf("one").digest.shard, failed));
    expect(await runHash(fixture.redis, failed)).toEqual({});
    reaper.add(failed);
    await passed();
    expect(await isThere(failed)).toBe(true);
    const [letter] = await listDeadLetters(fixture.redis);
    if (letter) await deleteDeadLetter(fixture.redis, blobs, letter);
    expect(await isThere(failed)).toBe(false);
  });

  test("deletes what no run has, unless it was written a moment ago", async () => {
    const reaper = await startReaper(inMemory());
    const [old, again] = [createTaskId(3, Date.now()), createTaskId(3, Date.now())];
    for (const blobId of [old, again]) await blobs.put(blobId, Buffer.from("x"));
    reaper.add(old);
    reaper.add(again);
    const rewriting = setInterval(() => void blobs.put(again, Buffer.from("y")), 20);
    try {
      await expect.poll(() => isThere(old)).toBe(false);
      expect(await isThere(again)).toBe(true);
    } finally {
      clearInterval(rewriting);
    }
  });

  test("tries again what Redis did not answer", async () => {
    let away = true;
    const memory = inMemory();
    const reaper = await startReaper({
      lasting: (shard, command) => (away ? Promise.reject(new Error("away")) : memory.lasting(shard, command)),
    });
    const runId = await admit("one");
    await settle(runId, successOf("ONE"));
    reaper.add(runId);
    await passed();
    expect(await isThere(runId)).toBe(true);
    away = false;
    await expect.poll(() => isThere(runId)).toBe(false);
  });

  test("at replicated, leaves the input until a replica knows that the run has ended", async () => {
    const master = await startRedisServer({ appendonly: "everysec", extraArgs: ["--repl-diskless-sync-delay", "0"] });
    started.push(master);
    const replica = await startRedisServer({ extraArgs: ["--replicaof", "127.0.0.1", String(master.port)] });
    started.push(replica);
    const target = parseRedisUrl(master.url);
    const redis = await connectRedis(target, silentLog);
    started.push({ stop: async () => redis.disconnect() });
    while ((await redis.wait(1, 100)) < 1) await redis.set("probe", "1");
    const writes = createConfirmedWrites(target, redis, { level: "replicated", replicas: 1 });
    started.push(writes);
    const reaper = await startReaper(writes);
    const runId = await admit("one", redis);
    replica.kill("SIGSTOP");
    await settle(runId, successOf("ONE"), redis);
    reaper.add(runId);
    // The look waits for the replica for a second.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await isThere(runId)).toBe(true);
    replica.kill("SIGCONT");
    await expect.poll(() => isThere(runId), { timeout: 10_000 }).toBe(false);
    expect(await redis.exists(keys.run(taskOf("one").digest.shard, runId))).toBe(1);
  });
});

describe("the list of blobs", () => {
  const blob = (blobId: string, endedMs = 0) => ({ blobId, endedMs });

  test("gives back what is due, earliest first, each once, and so many at a time", () => {
    const list = createBlobList(10);
    for (const [i, name] of ["a", "b", "c", "d"].entries()) list.add(blob(name), 10 * i);
    expect(list.takeDue(25, 2)).toEqual([blob("a"), blob("b")]);
    expect(list.takeDue(25, 2)).toEqual([blob("c")]);
    expect(list.takeDue(25, 2)).toEqual([]);
    expect(list.takeDue(30, 2)).toEqual([blob("d")]);
  });

  test("holds no more than it may, and each once: by its later time, and its earlier end", () => {
    const list = createBlobList(2);
    expect([list.add(blob("a", 1), 1), list.add(blob("b", 2), 2), list.add(blob("c", 3), 3)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(list.add(blob("a", 4), 4)).toBe(true);
    expect(list.takeDue(3, 9)).toEqual([blob("b", 2)]);
    expect(list.takeDue(4, 9)).toEqual([blob("a", 1)]);
  });
});
