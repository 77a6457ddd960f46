import { describe, expect, test } from "vitest";
import { cancelTask, expireRuns, keys, settleRuns } from "../src/index.js";
import { dumpState, useRedis } from "./redis-fixture.js";
import { admitted, RECORD, successOf } from "./task-fixture.js";

const fixture = useRedis();

/** A task, alone on its run, whose own record has gone in time while the run is still open. */
async function withoutRecord() {
  const { redis } = fixture;
  const task = await admitted(redis, "x", { ttlMs: 1 });
  const { shard, text } = task.digest;
  expect(await redis.del(keys.task(shard, task.taskId))).toBe(1);
  return { ...task, shard, place: { runId: task.taskId, shard }, pointer: keys.digest(shard, text) };
}

describe("the record of a task that has gone in time is not made again", () => {
  test("when its run expires", async () => {
    const { redis } = fixture;
    const { taskId, shard, place, pointer } = await withoutRecord();
    expect(await expireRuns(redis, [place], 60_000)).toMatchObject([{ kind: "closed" }]);
    expect(await dumpState(redis)).toEqual({
      [pointer]: taskId,
      [keys.lanes(shard)]: ["m:1:local:now"],
      [keys.ready(shard, "m:1:local:now")]: [],
    });
  });

  test("when it leaves a run on which a twin stays", async () => {
    const { redis } = fixture;
    const { taskId, shard, place } = await withoutRecord();
    const twin = await admitted(redis, "x");
    expect(twin.reply).toEqual({ kind: "joined", runId: taskId });
    expect(await expireRuns(redis, [place], 1_000)).toMatchObject([{ kind: "open" }]);
    expect(await redis.exists(keys.task(shard, taskId))).toBe(0);
    expect(await redis.hget(keys.run(shard, taskId), "live")).toBe("1");
    expect(await redis.zrangebyscore(keys.runTasks(shard, taskId), "-inf", "+inf")).toEqual([twin.taskId]);
    expect(await cancelTask(redis, twin.taskId, "anna")).toMatchObject({ kind: "canceled" });
    expect(await redis.exists(keys.run(shard, taskId), keys.task(shard, taskId))).toBe(0);
  });

  test("when its run is settled", async () => {
    const { redis } = fixture;
    const { taskId, shard, pointer } = await withoutRecord();
    const settlement = { runId: taskId, outcome: successOf("x"), record: RECORD };
    expect(await settleRuns(redis, [settlement], 60_000)).toEqual(["settled"]);
    expect(Object.keys(await dumpState(redis)).sort()).toEqual(
      [pointer, keys.lanes(shard), keys.ready(shard, "m:1:local:now"), keys.run(shard, taskId)].sort(),
    );
  });
});
