import { describe, expect, test } from "vitest";
import {
  announceBatcher,
  claimRuns,
  countLiveSlots,
  createNoticeReader,
  createReadyReader,
  findDeadNotices,
  finishBatch,
  heartbeatSlots,
  keys,
  openLane,
  ownShard,
  publishBatch,
  reclaimDeadNotice,
  type Ref,
  removeBatcher,
  removeSlots,
  sweepPending,
} from "../src/index.js";
import { dropIdleConsumersScript } from "../src/scripts/drop-idle-consumers.js";
import { useRedis } from "./redis-fixture.js";
import { admitted, noticeOf, runHash } from "./task-fixture.js";

const fixture = useRedis();
const LANE = "m:1:local:now";
const publish = (runIds: string[], batchId = "batch-1", batchClass: "now" | "bulk" = "now") =>
  publishBatch(fixture.redis, "p", { batchClass, notice: noticeOf(runIds, batchId), prefetch: 1 });
const done = (batchId: string) => ({ batchId, serviceMs: 1, unsettled: [] });

/** What a walk finds when nothing is malformed. */
const pendingOf = (...refs: readonly (Ref | undefined)[]) => ({ refs, malformed: [] });

describe("credits and notices", () => {
  test("there are as many credits as live slots and their prefetch, shared by both classes", async () => {
    const { redis } = fixture;
    expect(await publish([])).toEqual({ kind: "no-credit", used: 0, credits: 0 });
    await heartbeatSlots(redis, "p", ["w#0"]);
    expect(await countLiveSlots(redis, "p")).toBe(1);
    expect(await publish([], "a")).toMatchObject({ kind: "published", used: 1, credits: 2 });
    expect(await publish([], "b", "bulk")).toMatchObject({ kind: "published", used: 2, credits: 2 });
    expect(await publish([], "c")).toEqual({ kind: "no-credit", used: 2, credits: 2 });
    await redis.zadd(keys.slots("p"), 1, "w#0");
    expect(await publish([], "d")).toEqual({ kind: "no-credit", used: 2, credits: 0 });
    await removeSlots(redis, "p", ["w#0"]);
    expect(await redis.exists(keys.slots("p"))).toBe(0);
  });

  test("a slot pulls a notice, and only that slot can finish it, once", async () => {
    const { redis, target } = fixture;
    await heartbeatSlots(redis, "p", ["w#0"]);
    const { taskId } = await admitted(redis, "x");
    await publish([taskId]);
    const reader = createNoticeReader(target, redis, "p", "w#0");
    const [pulled] = await reader.pull(["now", "bulk"], 100);
    expect(pulled).toMatchObject({ batchClass: "now", notice: { batchId: "batch-1", rows: [{ runId: taskId }] } });
    const end = { batchClass: "now" as const, noticeId: pulled?.noticeId ?? "", message: done("batch-1") };
    expect(await finishBatch(redis, "p", { ...end, slot: "w#1" })).toBe("stale");
    expect(await redis.xlen(keys.notices("p", "now"))).toBe(1);
    expect(await finishBatch(redis, "p", { ...end, slot: "w#0" })).toBe("finished");
    expect(await redis.xlen(keys.notices("p", "now"))).toBe(0);
    expect(await finishBatch(redis, "p", { ...end, slot: "w#0" })).toBe("stale");
    expect(await reader.pull(["now"], 10)).toEqual([]);
    reader.close();
  });

  test("a notice whose reply was lost is pulled again by the same slot [R8]", async () => {
    const { redis, target } = fixture;
    await heartbeatSlots(redis, "p", ["w#0"]);
    await publish([], "lost");
    await redis.xreadgroup("GROUP", "workers", "w#0", "STREAMS", keys.notices("p", "now"), ">");
    const reader = createNoticeReader(target, redis, "p", "w#0");
    expect(await reader.pull(["now"], 10)).toMatchObject([{ notice: { batchId: "lost" } }]);
    reader.close();
  });

  test("a slot whose group is lost can end its batch and pull on; its notice is given to a slot again", async () => {
    const { redis, target } = fixture;
    await heartbeatSlots(redis, "p", ["w#0"]);
    await publish([], "held");
    const reader = createNoticeReader(target, redis, "p", "w#0");
    const [held] = await reader.pull(["now"], 100);
    await redis.xgroup("DESTROY", keys.notices("p", "now"), "workers");
    expect(await findDeadNotices(redis, "p")).toEqual([]);
    const message = { batchId: "held", serviceMs: 1, unsettled: [] };
    const end = { batchClass: "now" as const, noticeId: held?.noticeId ?? "", slot: "w#0", message };
    expect(await finishBatch(redis, "p", end)).toBe("stale");
    await expect(reader.pull(["now"], 10)).rejects.toThrow("XREADGROUP");
    expect(await reader.pull(["now"], 10)).toMatchObject([{ notice: { batchId: "held" } }]);
    expect(await finishBatch(redis, "p", end)).toBe("finished");
    expect(await redis.xlen(keys.notices("p", "now"))).toBe(0);
    reader.close();
  });

  test("the notices of a silent slot are found; its leases end, counted, and the credit is free again", async () => {
    const { redis, target } = fixture;
    await heartbeatSlots(redis, "p", ["w#0"]);
    const { taskId } = await admitted(redis, "x");
    await publish([taskId]);
    const reader = createNoticeReader(target, redis, "p", "w#0");
    await reader.pull(["now"], 100);
    reader.close();
    await claimRuns(redis, noticeOf([taskId]), { slot: "w#0", leaseMs: 15_000, keepMs: 1 });
    expect(await findDeadNotices(redis, "p")).toEqual([]);
    await redis.zadd(keys.slots("p"), 1, "w#0");
    const [dead] = await findDeadNotices(redis, "p");
    expect(dead).toMatchObject({ slot: "w#0", batchClass: "now", notice: { batchId: "batch-1" } });
    if (!dead) throw new Error("none");
    await reclaimDeadNotice(redis, "p", dead);
    await reclaimDeadNotice(redis, "p", dead);
    expect(await runHash(redis, taskId)).toMatchObject({ lease: "0", worker: "", deaths: "1", state: "OPEN" });
    expect(await redis.xlen(keys.notices("p", "now"))).toBe(0);
    expect(await findDeadNotices(redis, "p")).toEqual([]);
  });
});

describe("ready streams", () => {
  test("a reader gets new references; what is pending for another is swept up, once, whole", async () => {
    const { redis, target } = fixture;
    const task = await admitted(redis, "x");
    const stream = { shard: task.digest.shard, lane: LANE };
    const reader = createReadyReader(target, redis, "b1", stream.shard);
    const [ref] = await reader.read([stream, { ...stream, lane: "m:1:local:bulk" }], 10, 100);
    expect(ref).toMatchObject({
      runId: task.taskId,
      shard: stream.shard,
      lane: LANE,
      digest: task.digest.text,
      cost: 1,
    });
    expect(await reader.read([stream], 10, 10)).toEqual([]);
    reader.close();
    expect(await sweepPending(redis, stream, "b1", (entryId) => entryId === ref?.entryId)).toEqual(pendingOf());
    expect(await sweepPending(redis, stream, "b1", () => false)).toEqual(pendingOf(ref));
    expect(await sweepPending(redis, stream, "b2", () => true)).toEqual(pendingOf(ref));
    expect(await sweepPending(redis, stream, "b2", () => true)).toEqual(pendingOf());
  });

  test("1,200 pending entries of another are swept up whole", async () => {
    const { redis, target } = fixture;
    const { taskId: id, digest } = await admitted(redis, "seed");
    const stream = { shard: digest.shard, lane: LANE };
    const reader = createReadyReader(target, redis, "b1", stream.shard);
    expect(await reader.read([stream], 1, 100)).toHaveLength(1);
    await redis.del(keys.ready(stream.shard, LANE));
    await openLane(redis, stream);
    const pipeline = redis.pipeline();
    for (let i = 0; i < 1_200; i++) pipeline.xadd(keys.ready(stream.shard, LANE), "*", "ref", `${id} digest 1 1 `);
    await pipeline.exec();
    expect(await reader.read([stream], 2_000, 100)).toHaveLength(1_200);
    reader.close();
    expect(await sweepPending(redis, stream, "b2", () => true)).toMatchObject({
      refs: { length: 1_200 },
      malformed: [],
    });
  });

  test("a stream that is deleted, or that loses its group, is made again at 0: nothing is skipped", async () => {
    const { redis, target } = fixture;
    const task = await admitted(redis, "x");
    const stream = { shard: task.digest.shard, lane: LANE };
    const reader = createReadyReader(target, redis, "b1", stream.shard);
    await redis.xgroup("DESTROY", keys.ready(stream.shard, LANE), "batchers");
    const first = await reader.read([stream], 10, 50).catch(() => reader.read([stream], 10, 50));
    expect(first).toMatchObject([{ runId: task.taskId }]);
    await redis.del(keys.ready(stream.shard, LANE));
    await reader.read([stream], 10, 50).catch(() => []);
    expect(await reader.read([stream], 10, 10)).toEqual([]);
    reader.close();
  });

  test("an entry that is not ours is left alone", async () => {
    const { redis, target } = fixture;
    await redis.xadd(keys.ready(3, LANE), "*", "hello", "world");
    const reader = createReadyReader(target, redis, "b1", 3);
    expect(await reader.read([{ shard: 3, lane: LANE }], 10, 50)).toEqual([]);
    reader.close();
    expect(await redis.xlen(keys.ready(3, LANE))).toBe(1);
  });

  test("idle consumers are forgotten, but never one that holds entries", async () => {
    const { redis, target } = fixture;
    const task = await admitted(redis, "x");
    const stream = keys.ready(task.digest.shard, LANE);
    await redis.xgroup("CREATECONSUMER", stream, "batchers", "old");
    const reader = createReadyReader(target, redis, "holder", task.digest.shard);
    await reader.read([{ shard: task.digest.shard, lane: LANE }], 10, 50);
    reader.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await dropIdleConsumersScript.run(redis, { stream }, { group: "batchers", idleMs: 10 })).toBe(1);
    expect(await dropIdleConsumersScript.run(redis, { stream }, { group: "batchers", idleMs: 10 })).toBe(0);
    expect((await redis.xpending(stream, "batchers"))[0]).toBe(1);
  });
});

describe("ownership", () => {
  test("a shard has one owner, who prolongs it, gives it up, or loses it in time", async () => {
    const { redis } = fixture;
    expect(await ownShard(redis, 0, { batcher: "b1" }, true)).toEqual({ kind: "acquired" });
    expect(await ownShard(redis, 0, { batcher: "b2" }, true)).toEqual({ kind: "other", batcher: "b1" });
    expect(await ownShard(redis, 0, { batcher: "b2" }, false)).toEqual({ kind: "free" });
    expect(await ownShard(redis, 0, { batcher: "b1" }, true)).toEqual({ kind: "owned" });
    expect(await redis.pttl(keys.owner(0))).toBeGreaterThan(4_000);
    expect(await ownShard(redis, 0, { batcher: "b1" }, false)).toEqual({ kind: "released" });
    expect(await ownShard(redis, 0, { batcher: "b2" }, true)).toEqual({ kind: "acquired" });
  });

  test("live batchers see each other", async () => {
    const { redis } = fixture;
    await announceBatcher(redis, { batcher: "b1" });
    expect((await announceBatcher(redis, { batcher: "b2" })).sort()).toEqual(["b1", "b2"]);
    await removeBatcher(redis, { batcher: "b1" });
    expect(await announceBatcher(redis, { batcher: "b2" })).toEqual(["b2"]);
    await redis.zadd(keys.batchers(), 1, "long-silent");
    expect(await announceBatcher(redis, { batcher: "b2" })).toEqual(["b2"]);
  });
});
