import { describe, expect, test } from "vitest";
import { keys, takeTokens } from "../src/index.js";
import { useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const take = (wanted: number, perMinute = 6_000) => takeTokens(fixture.redis, "anna", { perMinute, wanted });
const bucket = keys.rate("anna");

describe("a bucket of tokens", () => {
  test("is full at first, gives what it has, and says when there is one more", async () => {
    expect(await take(10, 60)).toEqual({ granted: 10, left: 50, waitMs: 0 });
    expect(await take(100, 60)).toMatchObject({ granted: 50, left: 0 });
    const empty = await take(1, 60);
    expect(empty.granted).toBe(0);
    expect(empty.waitMs).toBeGreaterThan(500);
    expect(empty.waitMs).toBeLessThanOrEqual(1_000);
  });

  test("fills again evenly, and never above a minute's worth", async () => {
    await take(6_000);
    const at = Number(await fixture.redis.hget(bucket, "at"));
    await fixture.redis.hset(bucket, "at", at - 500);
    const half = await take(1_000);
    expect(half.granted).toBeGreaterThanOrEqual(50);
    expect(half.granted).toBeLessThan(70);
    await fixture.redis.hset(bucket, "at", at - 3_600_000);
    expect((await take(10_000)).granted).toBe(6_000);
  });

  test("gets nothing from a clock that was set back", async () => {
    await take(6_000);
    await fixture.redis.hset(bucket, "at", Date.now() + 3_600_000);
    expect((await take(1)).granted).toBe(0);
  });

  test("of 50 who ask at once nobody gets what another got, and a full one is forgotten", async () => {
    const taken = await Promise.all(Array.from({ length: 50 }, () => take(3, 60)));
    expect(taken.reduce((sum, { granted }) => sum + granted, 0)).toBe(60);
    const keepMs = await fixture.redis.pttl(bucket);
    expect(keepMs).toBeGreaterThan(59_000);
    expect(keepMs).toBeLessThanOrEqual(61_000);
  });
});
