import { pino } from "pino";
import { afterEach, describe, expect, test } from "vitest";
import {
  announceBatcher,
  cancelTask,
  claimRuns,
  createKnownZones,
  createNoticeReader,
  createReadyReader,
  dropIdleBatchers,
  dropLane,
  expireRuns,
  findDeadNotices,
  finishBatch,
  heartbeatSlots,
  keys,
  lookUpRuns,
  openLane,
  ownShard,
  publishBatch,
  readTask,
  readZones,
  reclaimDeadNotice,
  removeBatcher,
  removeSlots,
  settleRuns,
  sweepPending,
  unclaimRuns,
} from "../src/index.js";
import { dumpState, useRedis } from "./redis-fixture.js";
import { admitted, FAILURE, noticeOf, RECORD, successOf } from "./task-fixture.js";

const fixture = useRedis();
const LANE = "m:1:local:now";
const message = { batchId: "batch-1", serviceMs: 1, unsettled: [] };

/** From now on Redis refuses every command that may need memory; and it knows no script any more, as after a restart. */
async function fillRedis(): Promise<void> {
  await fixture.redis.script("FLUSH");
  await fixture.redis.config("SET", "maxmemory", "1");
  await expect(fixture.redis.set("more", "x")).rejects.toThrow("OOM");
}

/** Who has how many pending entries of a group; null for nobody. */
const holders = async (stream: string, group: string) => (await fixture.redis.xpending(stream, group))[3];

afterEach(() => fixture.redis.config("SET", "maxmemory", "0"));

describe("when Redis is out of memory", () => {
  test("a batcher that starts then is on the list, and one that died drops from it", async () => {
    const { redis } = fixture;
    await redis.zadd(keys.batchers(), 1, "dead");
    await fillRedis();
    expect(await announceBatcher(redis, { batcher: "fresh" })).toEqual(["fresh"]);
    expect(await dumpState(redis)).toEqual({ [keys.batchers()]: ["fresh"] });
    await removeBatcher(redis, { batcher: "fresh" });
    expect(await dumpState(redis)).toEqual({});
  });

  test("a role that starts then in a new zone is heard of", async () => {
    const { redis } = fixture;
    await fillRedis();
    const zones = createKnownZones(redis, pino({ level: "silent" }), "east");
    await zones.start();
    await zones.stop();
    expect((await readZones(redis)).sort()).toEqual(["east", "local"]);
  });

  test("a slot that starts then gets a notice that waits, though a group is missing", async () => {
    const { redis, target } = fixture;
    await heartbeatSlots(redis, "p", ["w#0"]);
    await publishBatch(redis, "p", { batchClass: "now", notice: noticeOf([]), prefetch: 1 });
    await redis.xgroup("DESTROY", keys.notices("p", "now"), "workers");
    await fillRedis();
    const reader = createNoticeReader(target, redis, "p", "w#1");
    const pulled = await reader.pull(["now", "bulk"], 100);
    reader.close();
    expect(pulled).toMatchObject([{ batchClass: "now", notice: noticeOf([]) }]);
    expect(await holders(keys.notices("p", "now"), "workers")).toEqual([["w#1", "1"]]);
    expect(await holders(keys.notices("p", "bulk"), "workers")).toBeNull();
    expect(Object.keys(await dumpState(redis)).sort()).toEqual(
      [keys.slots("p"), keys.notices("p", "now"), keys.notices("p", "bulk")].sort(),
    );
  });

  test("a reader that starts then gets the references that wait, though its group is missing", async () => {
    const { redis, target } = fixture;
    const task = await admitted(redis, "x");
    const stream = { shard: task.digest.shard, lane: LANE };
    await redis.xgroup("DESTROY", keys.ready(stream.shard, LANE), "batchers");
    await fillRedis();
    const reader = createReadyReader(target, redis, "b1", stream.shard);
    const refs = await reader.read([stream, { ...stream, lane: "m:1:local:bulk" }], 10, 100);
    reader.close();
    expect(refs).toMatchObject([{ runId: task.taskId }]);
    expect(await holders(keys.ready(stream.shard, LANE), "batchers")).toEqual([["b1", "1"]]);
    expect(await holders(keys.ready(stream.shard, "m:1:local:bulk"), "batchers")).toBeNull();
    expect(await redis.smembers(keys.lanes(stream.shard))).toHaveLength(2);
  });

  test("work that was admitted goes all the way, by way of a batch given back and a slot that died", async () => {
    const { redis, target } = fixture;
    const [good, bad] = [await admitted(redis, "good"), await admitted(redis, "bad")];
    const tasks = [good, bad];
    const runIds = tasks.map((task) => task.taskId);
    await fillRedis();

    for (const { digest, taskId } of tasks) {
      const stream = { shard: digest.shard, lane: LANE };
      expect(await ownShard(redis, digest.shard, { batcher: "b1" }, true)).toEqual({ kind: "acquired" });
      expect(await ownShard(redis, digest.shard, { batcher: "b1" }, true)).toEqual({ kind: "owned" });
      await openLane(redis, stream);
      const lost = createReadyReader(target, redis, "b0", digest.shard);
      expect(await lost.read([stream], 10, 100)).toMatchObject([{ runId: taskId }]);
      lost.close();
      expect(await sweepPending(redis, stream, "b1", () => false)).toMatchObject({ refs: [{ runId: taskId }] });
      expect(await dropIdleBatchers(redis, stream, -1)).toBe(1);
    }

    const pull = async (slot: string, batchId: string) => {
      await heartbeatSlots(redis, "p", [slot]);
      const publishing = { batchClass: "now", notice: noticeOf(runIds, batchId), prefetch: 1 } as const;
      expect(await publishBatch(redis, "p", publishing)).toMatchObject({ kind: "published" });
      const reader = createNoticeReader(target, redis, "p", slot);
      const [pulled] = await reader.pull(["now", "bulk"], 100);
      reader.close();
      const claims = await claimRuns(redis, noticeOf(runIds, batchId), { slot, leaseMs: 15_000, keepMs: 60_000 });
      expect(claims).toMatchObject([{ kind: "claimed" }, { kind: "claimed" }]);
      return { batchClass: "now", slot, noticeId: pulled?.noticeId ?? "", message } as const;
    };
    const returned = await pull("w#0", "batch-1");
    expect(await unclaimRuns(redis, runIds, { slot: "w#0", batchId: "batch-1", kind: "returned" })).toEqual([
      "unclaimed",
      "unclaimed",
    ]);
    expect(await finishBatch(redis, "p", returned)).toBe("finished");

    await pull("w#1", "batch-2");
    await removeSlots(redis, "p", ["w#1"]);
    const [dead] = await findDeadNotices(redis, "p");
    if (!dead) throw new Error("the dead slot was not found");
    await reclaimDeadNotice(redis, "p", dead);
    const places = tasks.map(({ taskId, digest }) => ({ runId: taskId, shard: digest.shard }));
    expect(await lookUpRuns(redis, places)).toEqual([{ kind: "ready" }, { kind: "ready" }]);

    const last = await pull("w#2", "batch-3");
    const settlements = [successOf("good"), FAILURE].map((outcome, i) => ({
      runId: runIds[i] ?? "",
      outcome,
      record: RECORD,
    }));
    expect(await settleRuns(redis, settlements, 60_000)).toEqual(["settled", "settled"]);
    expect(await finishBatch(redis, "p", last)).toBe("finished");
    expect(await readTask(redis, good.taskId)).toMatchObject({ kind: "done", state: "SUCCESS" });
    expect(await readTask(redis, bad.taskId)).toMatchObject({ kind: "done", state: "FAILED" });

    await removeSlots(redis, "p", ["w#0", "w#2"]);
    for (const { digest } of tasks) {
      expect(await dropLane(redis, { shard: digest.shard, lane: LANE })).toBe(true);
      expect(await ownShard(redis, digest.shard, { batcher: "b1" }, false)).toEqual({ kind: "released" });
    }
    const left = tasks.flatMap(({ taskId, digest: { shard, text } }) => [
      keys.task(shard, taskId),
      keys.run(shard, taskId),
      keys.digest(shard, text),
    ]);
    expect(Object.keys(await dumpState(redis)).sort()).toEqual(
      [...left, keys.dead(bad.digest.shard), keys.notices("p", "now"), keys.notices("p", "bulk")].sort(),
    );
    for (const batchClass of ["now", "bulk"]) expect(await redis.xlen(keys.notices("p", batchClass))).toBe(0);
  });

  test("tasks can be cancelled, and expire", async () => {
    const { redis } = fixture;
    const canceled = await admitted(redis, "canceled");
    const late = await admitted(redis, "late", { ttlMs: -1 });
    await fillRedis();
    expect(await cancelTask(redis, canceled.taskId, "anna")).toMatchObject({ kind: "canceled" });
    const place = { runId: late.taskId, shard: late.digest.shard };
    expect(await expireRuns(redis, [place], 0)).toMatchObject([{ kind: "closed" }]);
    expect(await readTask(redis, canceled.taskId)).toMatchObject({ kind: "left", state: "CANCELED" });
    expect(await readTask(redis, late.taskId)).toMatchObject({ kind: "left", state: "EXPIRED" });
  });
});
