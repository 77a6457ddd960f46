import { describe, expect, test } from "vitest";
import { keys, readPoolUse } from "@sluice/broker";
import { admitMany, openEntries, POOL, statesOf, until, useBatchers } from "./batcher-fixture.js";

const fixture = useBatchers();

describe("a batch leaves", () => {
  test("full, with 64 tasks, as soon as they are there", async () => {
    const { redis } = fixture;
    const ids = await admitMany(redis, 128);
    await fixture.batcher();
    const worker = await fixture.worker();
    await until(() => worker.settled.length === 128, 5_000, "all settled");
    expect(worker.notices.map(({ reason, rows }) => [reason, rows.length])).toEqual([
      ["full", 64],
      ["full", 64],
    ]);
    expect(worker.settled.toSorted()).toEqual(ids.toSorted());
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 128 });
    expect(await openEntries(redis)).toBe(0);
  });

  test("due, 50 ms after its first task", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const worker = await fixture.worker();
    await until(async () => (await readPoolUse(redis, POOL)).liveSlots === 1, 1_000, "a slot");
    const ids = await admitMany(redis, 5);
    await until(() => worker.settled.length === 5, 5_000, "all settled");
    expect(worker.notices).toMatchObject([{ reason: "due" }]);
    expect(worker.notices[0]?.waitMs).toBeGreaterThanOrEqual(49);
    expect(worker.notices[0]?.waitMs).toBeLessThan(80);
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 5 });
  });

  test("not at all while no credit is free, and then in the order of admission", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const ids = await admitMany(redis, 100);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await redis.xlen(keys.notices(POOL, "now"))).toBe(0);
    const worker = await fixture.worker();
    await until(() => worker.settled.length === 100, 5_000, "all settled");
    expect(worker.notices.map((notice) => notice.rows.length)).toEqual([64, 36]);
    const admitted = worker.notices.flatMap((notice) => notice.rows.map((row) => row.admittedMs));
    expect(admitted).toEqual(admitted.toSorted((a, b) => a - b));
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 100 });
  });

  test("with the limits that an operator sets while it runs", async () => {
    const { redis } = fixture;
    await redis.hset(keys.config, "model.m.batch.max_size", "10");
    await fixture.batcher();
    const worker = await fixture.worker();
    await admitMany(redis, 30);
    await until(() => worker.settled.length === 30, 5_000, "all settled");
    expect(worker.notices.map((notice) => notice.rows.length).every((size) => size <= 10)).toBe(true);
  });
});
