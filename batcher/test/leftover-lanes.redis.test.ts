import { expect, test } from "vitest";
import { keys, registerModels, SHARD_COUNT } from "@sluice/broker";
import { admitMany, MODEL, openEntries, shardOf, statesOf, until, useBatchers } from "./batcher-fixture.js";

const fixture = useBatchers();
const GONE = { model: "gone", version: "1", zone: "local", batchClass: "now" } as const;
const GONE_LANE = "gone:1:local:now";

/** The shards that know the lane, and those that have its stream. */
async function placesOf(lane: string): Promise<{ listed: number[]; streams: number[] }> {
  const places: { listed: number[]; streams: number[] } = { listed: [], streams: [] };
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    if (await fixture.redis.sismember(keys.lanes(shard), lane)) places.listed.push(shard);
    if (await fixture.redis.exists(keys.ready(shard, lane))) places.streams.push(shard);
  }
  return places;
}

test("tasks of a model that nobody registers any more expire, and then its lanes are forgotten", async () => {
  const { redis } = fixture;
  const ids = await admitMany(redis, 20, { lane: GONE, ttlMs: 300 });
  const shards = [...new Set(ids.map(shardOf))].toSorted((a, b) => a - b);
  expect(await placesOf(GONE_LANE)).toEqual({ listed: shards, streams: shards });
  const worker = await fixture.worker();
  await fixture.batcher();
  await until(async () => (await statesOf(redis, ids))["EXPIRED"] === 20, 3_000, "all expired");
  const forgotten = async (): Promise<boolean> => (await placesOf(GONE_LANE)).streams.length === 0;
  await until(forgotten, 8_000, "the streams gone");
  expect(await placesOf(GONE_LANE)).toEqual({ listed: [], streams: [] });
  expect(worker.notices).toEqual([]);
});

test("they wait for their model to come back", async () => {
  const { redis } = fixture;
  const ids = await admitMany(redis, 20, { lane: GONE });
  const worker = await fixture.worker();
  await fixture.batcher();
  await registerModels(redis, [MODEL, { ...MODEL, name: "gone" }]);
  await until(() => worker.settled.length === 20, 8_000, "all settled");
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 20 });
});

test("tasks of a version that is gone are still brought to the workers", async () => {
  const { redis } = fixture;
  const ids = await admitMany(redis, 20);
  await registerModels(redis, [{ ...MODEL, version: "2" }]);
  const worker = await fixture.worker();
  await fixture.batcher();
  await until(() => worker.settled.length === 20, 5_000, "all settled");
  expect(new Set(worker.notices.map((notice) => notice.lane))).toEqual(new Set(["m:1:local:now"]));
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 20 });
  expect(await openEntries(redis)).toBe(0);
});
