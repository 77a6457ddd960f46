import { expect, test } from "vitest";
import { startRedisCluster } from "@sluice/stack";
import { admitMany, openEntries, statesOf, until, useTarget } from "./batcher-fixture.js";

const fixture = useTarget(() => startRedisCluster({ masters: 3 }));

test("on a Cluster of three masters tasks of all shards meet in full batches, and all end", async () => {
  const { redis } = fixture;
  const batcher = await fixture.batcher();
  await until(() => batcher.isReady(), 5_000, "ready");
  const ids = await admitMany(redis, 320);
  const worker = await fixture.worker({ slots: 2 });
  await until(() => worker.settled.length >= 320, 8_000, "all settled");
  expect(worker.settled.toSorted()).toEqual(ids.toSorted());
  expect(worker.notices.filter((notice) => notice.reason === "full").length).toBeGreaterThanOrEqual(4);
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 320 });
  expect(await openEntries(redis)).toBe(0);
});

test("on a Cluster a silent slot's batch comes again, through the credit message", async () => {
  const { redis } = fixture;
  await fixture.batcher();
  const doomed = await fixture.worker({ conduct: () => "die" });
  const ids = await admitMany(redis, 64);
  await until(() => doomed.notices.length === 1, 8_000, "claimed by the doomed");
  const worker = await fixture.worker();
  const tookMs = await until(() => worker.settled.length === 64, 8_000, "settled by another");
  expect(tookMs).toBeLessThan(6_000);
  expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 64 });
});
