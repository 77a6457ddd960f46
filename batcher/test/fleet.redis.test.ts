import { describe, expect, test } from "vitest";
import { keys, SHARD_COUNT, systemClock } from "@sluice/broker";
import { createBatcher } from "../src/index.js";
import { admitMany, metricOf, openEntries, POOL, silentLog, statesOf, until, useBatchers } from "./batcher-fixture.js";

const fixture = useBatchers();

/** Owner of each shard, "" where there is none. */
const owners = async () =>
  Promise.all(
    Array.from({ length: SHARD_COUNT }, async (_, shard) => (await fixture.redis.get(keys.owner(shard))) ?? ""),
  );
const ownedBy = async (name: string) => (await owners()).filter((owner) => owner === name).length;

describe("two batchers", () => {
  test("share the shards and the work, and each task ends once", async () => {
    const { redis } = fixture;
    const first = await fixture.batcher();
    await until(async () => (await ownedBy(first.name)) === SHARD_COUNT, 3_000, "one owns all");
    const second = await fixture.batcher();
    await until(async () => (await ownedBy(second.name)) > 0, 4_000, "the second has some");
    await until(async () => (await owners()).every((owner) => owner !== ""), 3_000, "none is free");
    expect((await ownedBy(first.name)) + (await ownedBy(second.name))).toBe(SHARD_COUNT);

    const worker = await fixture.worker({ slots: 2 });
    const ids = await admitMany(redis, 1_000);
    await until(() => worker.settled.length >= 1_000, 10_000, "all settled");
    expect(worker.settled.toSorted()).toEqual(ids.toSorted());
    expect(new Set(worker.notices.map((notice) => notice.batcher))).toEqual(new Set([first.name, second.name]));
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 1_000 });
    expect(await openEntries(redis)).toBe(0);
  });

  test("hand over without waiting for a lease when one stops", async () => {
    const { redis } = fixture;
    const first = await fixture.batcher();
    const second = await fixture.batcher();
    await until(async () => (await ownedBy(second.name)) > 0 && (await ownedBy(first.name)) > 0, 4_000, "shared");
    const ids = await admitMany(redis, 200);
    await first.stop();
    expect(await ownedBy(first.name)).toBe(0);
    await until(async () => (await ownedBy(second.name)) === SHARD_COUNT, 2_500, "the other has all");
    const worker = await fixture.worker();
    await until(() => worker.settled.length >= 200, 4_000, "all settled");
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 200 });
  });
});

test("a batcher that stops lets go at once what may go, and gives its shards up", async () => {
  const { redis } = fixture;
  await redis.hset(keys.config, "batch.max_wait_ms", "30000");
  const batcher = await fixture.batcher();
  const worker = await fixture.worker();
  await until(() => batcher.isReady(), 2_000, "ready");
  const ids = await admitMany(redis, 7);
  await until(async () => (await metricOf(batcher, 'sluice_batcher_tasks{state="waiting"}')) === 7, 2_000, "read");
  await batcher.stop();
  expect(batcher.isReady()).toBe(false);
  await until(() => worker.settled.length === 7, 1_000, "settled");
  expect(worker.notices).toMatchObject([{ reason: "drain" }]);
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 7 });
  expect((await owners()).every((owner) => owner === "")).toBe(true);
  expect(await redis.zcard(keys.batchers())).toBe(0);
  await batcher.stop();
});

test("a batcher may be stopped before it was started", async () => {
  const batcher = createBatcher({ ...fixture, log: silentLog, clock: systemClock });
  await batcher.stop();
  await batcher.start();
  expect(batcher.isReady()).toBe(false);
  expect(await owners()).toEqual(Array.from({ length: SHARD_COUNT }, () => ""));
});

describe("what disappears from Redis", () => {
  test("is made again, and the batcher goes on: groups, streams, everything", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const worker = await fixture.worker();
    const first = await admitMany(redis, 10);
    await until(() => worker.settled.length === 10, 3_000, "before");
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      await redis.xgroup("DESTROY", keys.ready(shard, "m:1:local:now"), "batchers");
    }
    const second = await admitMany(redis, 10);
    await until(() => worker.settled.length === 20, 5_000, "after the groups were destroyed");
    expect(await statesOf(redis, [...first, ...second])).toEqual({ SUCCESS: 20 });
    const models = await redis.hgetall(keys.models);
    await redis.flushall();
    await redis.hset(keys.models, models);
    const third = await admitMany(redis, 10);
    await until(() => worker.settled.length === 30, 8_000, "after everything was lost");
    expect(await statesOf(redis, third)).toEqual({ SUCCESS: 10 });
    expect(await redis.exists(keys.notices(POOL, "now"))).toBe(1);
  });
});
