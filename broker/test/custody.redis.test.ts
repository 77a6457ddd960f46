import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type BlobStore,
  cancelTask,
  createLocalBlobStore,
  claimRuns,
  decodeFailure,
  decodeOutput,
  expireRuns,
  keys,
  listDeadLetters,
  lookUpRuns,
  parseTaskId,
  readTask,
  redriveDeadLetter,
  settleRuns,
  unclaimRuns,
} from "../src/index.js";
import { dumpState, useRedis } from "./redis-fixture.js";
import { admitted, FAILURE, noticeOf, RECORD, runHash, SETTINGS, successOf, taskOf } from "./task-fixture.js";

const fixture = useRedis();
const CLAIM = { leaseMs: 15_000, keepMs: 600_000 };
const LANE = "m:1:local:now";

const claim = async (runIds: readonly string[], slot: string, batchId = "batch-1", leaseMs = 15_000) =>
  (await claimRuns(fixture.redis, noticeOf(runIds, batchId), { ...CLAIM, slot, leaseMs })).map((reply) => {
    if ("code" in reply) throw reply;
    return reply.kind;
  });
const settle = async (runId: string, text = "result") =>
  (await settleRuns(fixture.redis, [{ runId, outcome: successOf(text), record: RECORD }], 600_000))[0];
const depth = (runId: string, lane = LANE) => fixture.redis.xlen(keys.ready(parseTaskId(runId)?.shard ?? 0, lane));

describe("claim and settle", () => {
  test("a claim gives the input and a lease; the result ends custody and is read by the task", async () => {
    const { redis } = fixture;
    const { taskId } = await admitted(redis, "hello");
    const [reply] = await claimRuns(redis, noticeOf([taskId]), { ...CLAIM, slot: "w1" });
    expect(reply).toMatchObject({ kind: "claimed", attempts: 1, inputKind: "input", input: Buffer.from("hello") });
    expect(await readTask(redis, taskId)).toMatchObject({ kind: "open", owner: "anna", runId: taskId });
    expect(await settle(taskId, "42")).toBe("settled");
    expect(await depth(taskId)).toBe(0);
    const run = await runHash(redis, taskId);
    expect(Object.keys(run).sort()).toEqual(
      [
        "admitted",
        "alone",
        "attempts",
        "cost",
        "deadline",
        "digest",
        "entry",
        "finished",
        "lane",
        "live",
        "output",
        "record",
        "signature",
        "state",
      ].sort(),
    );
    const answer = await readTask(redis, taskId);
    expect(answer.kind === "done" && decodeOutput(answer.output)[0]?.data.toString()).toBe("42");
  });

  test("a run that is leased is refused, and given again to the same slot and batch", async () => {
    const { taskId } = await admitted(fixture.redis, "hello");
    expect(await claim([taskId], "w1")).toEqual(["claimed"]);
    expect(await claim([taskId], "w2", "batch-2")).toEqual(["leased"]);
    expect(await claim([taskId], "w1")).toEqual(["claimed"]);
    expect(await runHash(fixture.redis, taskId)).toMatchObject({ attempts: "1", worker: "w1 batch-1" });
  });

  test("the first result wins: a second worker, and a zombie, change nothing", async () => {
    const { redis } = fixture;
    const { taskId } = await admitted(redis, "hello");
    await claim([taskId], "w1");
    expect(await settle(taskId, "first")).toBe("settled");
    const before = await dumpState(redis);
    expect(await settle(taskId, "second")).toBe("closed");
    expect(await settleRuns(redis, [{ runId: taskId, outcome: FAILURE, record: RECORD }], 1)).toEqual(["closed"]);
    expect(await dumpState(redis)).toEqual(before);
  });

  test("settling a run that is gone does not make it again", async () => {
    const { redis } = fixture;
    const { taskId } = await admitted(redis, "hello");
    await cancelTask(redis, taskId, "anna");
    const before = await dumpState(redis);
    expect(await settle(taskId)).toBe("closed");
    expect(await dumpState(redis)).toEqual(before);
  });

  test("a task that was cancelled is not claimed any more, and its twin is", async () => {
    const { redis } = fixture;
    const first = await admitted(redis, "hello");
    const twin = await admitted(redis, "hello");
    const lone = await admitted(redis, "lone");
    expect(await cancelTask(redis, first.taskId, "anna")).toEqual({ kind: "canceled", orphanBlob: "" });
    await cancelTask(redis, lone.taskId, "anna");
    expect(await claim([first.taskId, lone.taskId], "w1")).toEqual(["claimed", "closed"]);
    await settle(first.taskId, "for the twin");
    expect(await readTask(redis, first.taskId)).toMatchObject({ kind: "left", state: "CANCELED" });
    expect(await readTask(redis, twin.taskId)).toMatchObject({ kind: "done", state: "SUCCESS" });
  });
});

describe("cancel and expire", () => {
  test("cancelling is idempotent, closes a run that nobody waits for, and tells where its blob is", async () => {
    const { redis } = fixture;
    const { taskId, digest } = await admitted(redis, "x", { input: { kind: "blob", blobId: "the-blob" } });
    expect(await cancelTask(redis, taskId, "bert")).toEqual({ kind: "none" });
    expect(await cancelTask(redis, taskId, "anna")).toEqual({ kind: "canceled", orphanBlob: "the-blob" });
    expect(await cancelTask(redis, taskId, "anna")).toEqual({ kind: "canceled", orphanBlob: "" });
    expect(await redis.exists(keys.run(digest.shard, taskId))).toBe(0);
    expect(await depth(taskId)).toBe(0);
  });

  test("a finished task cannot be cancelled", async () => {
    const { taskId } = await admitted(fixture.redis, "x");
    await settle(taskId);
    expect(await cancelTask(fixture.redis, taskId, "anna")).toEqual({ kind: "ended", state: "SUCCESS" });
  });

  test("a reader stores EXPIRED before it says so: a late result does not change it [R2]", async () => {
    const { redis } = fixture;
    const { taskId } = await admitted(redis, "x", { ttlMs: -1 });
    expect(await readTask(redis, taskId)).toMatchObject({ kind: "left", state: "EXPIRED" });
    expect(await settle(taskId)).toBe("closed");
    expect(await readTask(redis, taskId)).toMatchObject({ kind: "left", state: "EXPIRED" });
  });

  test("expire takes the late tasks off and leaves a prolonged run open [R6]", async () => {
    const { redis } = fixture;
    const early = await admitted(redis, "x", { ttlMs: 10 });
    const twin = await admitted(redis, "x", { ttlMs: 60_000 });
    const lone = await admitted(redis, "y", { ttlMs: 10 });
    const runs = [early, lone].map(({ taskId, digest }) => ({ runId: taskId, shard: digest.shard }));
    expect(await expireRuns(redis, runs, 1_000)).toMatchObject([{ kind: "open" }, { kind: "closed" }]);
    expect(await readTask(redis, early.taskId)).toMatchObject({ kind: "left", state: "EXPIRED" });
    expect(await readTask(redis, twin.taskId)).toMatchObject({ kind: "open" });
    expect(await runHash(redis, early.taskId)).toMatchObject({ live: "1", state: "OPEN" });
    expect(early.digest.shard).not.toBe(lone.digest.shard);
    expect([await depth(early.taskId), await depth(lone.taskId)]).toEqual([1, 0]);
    expect(await expireRuns(redis, runs, 0)).toMatchObject([{ kind: "open" }, { kind: "closed" }]);
  });

  test("a run past its deadline is not claimed, and stays for expire", async () => {
    const { taskId } = await admitted(fixture.redis, "x", { ttlMs: -1 });
    expect(await claim([taskId], "w1")).toEqual(["late"]);
    expect(await depth(taskId)).toBe(1);
  });

  test("an unknown task is none, one whose run is no longer kept is gone", async () => {
    const { redis } = fixture;
    const { taskId, digest } = await admitted(redis, "x");
    expect(await readTask(redis, taskId.slice(0, -1) + (taskId.endsWith("0") ? "1" : "0"))).toEqual({ kind: "none" });
    await redis.del(keys.run(digest.shard, taskId));
    expect(await readTask(redis, taskId)).toEqual({ kind: "gone", owner: "anna" });
    expect(await cancelTask(redis, taskId, "anna")).toEqual({ kind: "gone" });
  });
});

describe("unclaim, look-up and deaths", () => {
  test("only the slot and batch that hold a run can give it back, or lose it [R7]", async () => {
    const { redis } = fixture;
    const { taskId, digest } = await admitted(redis, "x");
    const place = { runId: taskId, shard: digest.shard };
    await claim([taskId], "w1");
    for (const [slot, batchId] of [
      ["w2", "batch-1"],
      ["w1", "batch-2"],
    ] as const) {
      expect(await unclaimRuns(redis, [taskId], { slot, batchId, kind: "died" })).toEqual(["other"]);
    }
    expect(await lookUpRuns(redis, [place])).toMatchObject([{ kind: "leased" }]);
    expect(await unclaimRuns(redis, [taskId], { slot: "w1", batchId: "batch-1", kind: "returned" })).toEqual([
      "unclaimed",
    ]);
    expect(await runHash(redis, taskId)).toMatchObject({ lease: "0", worker: "" });
    expect((await runHash(redis, taskId))["deaths"]).toBeUndefined();
    expect(await lookUpRuns(redis, [place])).toEqual([{ kind: "ready" }]);
    await claim([taskId], "w1", "batch-3");
    await unclaimRuns(redis, [taskId], { slot: "w1", batchId: "batch-3", kind: "died" });
    expect(await runHash(redis, taskId)).toMatchObject({ deaths: "1" });
  });

  test("after three deaths in company a run is refused in company [R9]; after three more alone it is a dead letter [R12]", async () => {
    const { redis } = fixture;
    const { taskId, digest } = await admitted(redis, "deadly");
    const mate = await admitted(redis, "innocent");
    const both = [taskId, mate.taskId];
    for (let death = 1; death <= 3; death++) {
      expect(await claim(both, `w${death}`, `batch-${death}`)).toEqual(["claimed", "claimed"]);
      await unclaimRuns(redis, both, { slot: `w${death}`, batchId: `batch-${death}`, kind: "died" });
    }
    expect(await claim(both, "w4", "batch-4")).toEqual(["apart", "apart"]);
    expect(await lookUpRuns(redis, [{ runId: taskId, shard: digest.shard }])).toEqual([{ kind: "apart" }]);
    expect(await claim([mate.taskId], "w4", "batch-4b")).toEqual(["claimed"]);
    expect(await settle(mate.taskId)).toBe("settled");
    for (let death = 5; death <= 7; death++) {
      expect(await claim([taskId], `w${death}`, `batch-${death}`)).toEqual(["claimed"]);
      await unclaimRuns(redis, [taskId], { slot: `w${death}`, batchId: `batch-${death}`, kind: "died" });
    }
    expect(await claim([taskId], "w8", "batch-8")).toEqual(["dead"]);
    const answer = await readTask(redis, taskId);
    expect(answer.kind === "done" && [answer.state, decodeFailure(answer.error).code]).toEqual([
      "FAILED",
      "worker-died",
    ]);
    expect(await depth(taskId)).toBe(0);
    expect((await listDeadLetters(redis)).map((letter) => letter.runId)).toEqual([taskId]);
  });

  test("a batch of one by chance does not count as alone: the run is refused there too [R12]", async () => {
    const { redis } = fixture;
    const { taskId } = await admitted(redis, "x");
    for (let death = 1; death <= 3; death++) {
      const holder = { slot: `w${death}`, batchId: `batch-${death}` };
      await claim([taskId], holder.slot, holder.batchId);
      await unclaimRuns(redis, [taskId], { ...holder, kind: "died" });
    }
    const byChance = { ...noticeOf([taskId], "batch-4"), reason: "due" as const };
    expect(await claimRuns(redis, byChance, { ...CLAIM, slot: "w4" })).toMatchObject([{ kind: "apart" }]);
    expect(await claim([taskId], "w4", "batch-5")).toEqual(["claimed"]);
    expect(await runHash(redis, taskId)).toMatchObject({ deaths: "3", alone: "1" });
  });

  test.each(["w1", "w2"])("a claim that ends by itself is no death, whether %s comes next", async (next) => {
    const { taskId } = await admitted(fixture.redis, "x");
    const mate = await admitted(fixture.redis, "y");
    for (let i = 1; i <= 10; i++) {
      // Its reply is lost, and nobody can give it back.
      await claim([taskId, mate.taskId], "w1", `batch-${i}`, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await claim([taskId, mate.taskId], next, `after-${i}`, 1)).toEqual(["claimed", "claimed"]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await runHash(fixture.redis, taskId))["deaths"]).toBeUndefined();
  });
});

describe("dead letters", () => {
  let directory: string;
  let blobs: BlobStore;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "sluice-dead-"));
    blobs = createLocalBlobStore(directory);
  });
  afterEach(() => rm(directory, { recursive: true }));

  test("keep the input and the reason, and are admitted again as one new task, however often it is tried", async () => {
    const { redis } = fixture;
    const { taskId } = await admitted(redis, "bad");
    await settleRuns(redis, [{ runId: taskId, outcome: FAILURE, record: RECORD }], 600_000);
    const [letter] = await listDeadLetters(redis);
    expect(letter).toMatchObject({ runId: taskId, lane: LANE, failure: { code: "input-rejected" } });
    expect(letter?.input).toEqual({ kind: "input", bytes: Buffer.from("bad") });
    if (!letter) throw new Error("no letter");
    const again = await redriveDeadLetter(redis, blobs, letter, { owner: "anna", settings: SETTINGS });
    expect(await redriveDeadLetter(redis, blobs, letter, { owner: "anna", settings: SETTINGS })).toBe(again);
    expect(await listDeadLetters(redis)).toEqual([]);
    expect(await depth(again)).toBe(1);
    expect(await claim([again], "w1")).toEqual(["claimed"]);
    expect(await readTask(redis, taskId)).toMatchObject({ state: "FAILED" });
  });

  test("a redriven blob belongs to the new run; the old one goes with its letter", async () => {
    const { redis } = fixture;
    const request = taskOf("picture");
    await blobs.put(request.taskId, Buffer.from("bytes"));
    const { taskId } = await admitted(redis, "picture", {
      ...request,
      input: { kind: "blob", blobId: request.taskId },
    });
    await settleRuns(redis, [{ runId: taskId, outcome: FAILURE, record: RECORD }], 600_000);
    const [letter] = await listDeadLetters(redis);
    if (!letter) throw new Error("no letter");
    const again = await redriveDeadLetter(redis, blobs, letter, { owner: "anna", settings: SETTINGS });
    expect(await runHash(redis, again)).toMatchObject({ blob: again, state: "OPEN" });
    expect((await blobs.get(again))?.toString()).toBe("bytes");
    expect(await blobs.get(taskId)).toBeUndefined();
    expect(await listDeadLetters(redis)).toEqual([]);
  });
});
