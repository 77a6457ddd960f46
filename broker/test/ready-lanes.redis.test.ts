import { describe, expect, test } from "vitest";
import { dropLane, keys, listLanes, openLane, readNew } from "../src/index.js";
import { dumpState, useRedis } from "./redis-fixture.js";
import { admitted } from "./task-fixture.js";

const fixture = useRedis();
const LANE = "m:1:local:now";

describe("a lane", () => {
  test("is noted with its stream by whoever makes it first, and only then", async () => {
    const { redis } = fixture;
    const { digest, taskId } = await admitted(redis, "hello");
    const { shard } = digest;
    const before = await dumpState(redis);
    expect(await listLanes(redis, shard)).toEqual([LANE]);
    await openLane(redis, { shard, lane: LANE });
    expect(await dumpState(redis)).toEqual(before);
    expect((await readNew(redis, { shard, lane: LANE }, "b", 10)).map((ref) => ref.runId)).toEqual([taskId]);
  });

  test("that a batcher opens before anything is admitted is noted too", async () => {
    const { redis } = fixture;
    await openLane(redis, { shard: 3, lane: LANE });
    expect(await dumpState(redis)).toEqual({ [keys.lanes(3)]: [LANE], [keys.ready(3, LANE)]: [] });
    expect(await redis.xinfo("GROUPS", keys.ready(3, LANE))).toHaveLength(1);
  });

  test("is forgotten when it is empty, and never with work in it", async () => {
    const { redis } = fixture;
    const { digest } = await admitted(redis, "hello");
    const stream = { shard: digest.shard, lane: LANE };
    const before = await dumpState(redis);
    expect(await dropLane(redis, stream)).toBe(false);
    expect(await dumpState(redis)).toEqual(before);
    await openLane(redis, { shard: 3, lane: "other:1:local:now" });
    expect(await dropLane(redis, { shard: 3, lane: "other:1:local:now" })).toBe(true);
    expect(await dumpState(redis)).toEqual(before);
  });

  test("that was forgotten comes back with the next admission", async () => {
    const { redis } = fixture;
    const { digest, taskId } = await admitted(redis, "hello");
    const stream = { shard: digest.shard, lane: LANE };
    await redis.xtrim(keys.ready(stream.shard, LANE), "MAXLEN", 0);
    expect(await dropLane(redis, stream)).toBe(true);
    await redis.del(keys.run(stream.shard, taskId), keys.task(stream.shard, taskId));
    const again = await admitted(redis, "hello");
    expect(await listLanes(redis, stream.shard)).toEqual([LANE]);
    expect((await readNew(redis, stream, "b", 10)).map((ref) => ref.runId)).toEqual([again.taskId]);
  });
});
