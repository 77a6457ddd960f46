import { describe, expect, test } from "vitest";
import {
  announceBatcher,
  bindIdempotencyKey,
  countLiveSlots,
  heartbeatSlots,
  keys,
  ownShard,
  SHARD_LEASE_MS,
} from "../src/index.js";
import { useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const HOUR_MS = 3_600_000;

/** Milliseconds from now, by the server's clock, to the heartbeat of one that is on a list. */
async function aheadMs(list: string, who: string): Promise<number> {
  const [seconds] = await fixture.redis.time();
  return Number(await fixture.redis.zscore(list, who)) - Number(seconds) * 1_000;
}

describe("what was written before the clock of Redis was set back by an hour", () => {
  test("the heartbeat of a slot counts as of now, as soon as any other slot lives", async () => {
    const { redis } = fixture;
    const slots = keys.slots("p");
    await redis.zadd(slots, Date.now() + HOUR_MS, "dead#0");
    await heartbeatSlots(redis, "p", ["alive#0"]);
    expect(await countLiveSlots(redis, "p")).toBe(2);
    expect(await aheadMs(slots, "dead#0")).toBeLessThan(2_000);
  });

  test("and so does that of a batcher", async () => {
    const { redis } = fixture;
    await redis.zadd(keys.batchers(), Date.now() + HOUR_MS, "dead");
    expect((await announceBatcher(redis, { batcher: "alive" })).sort()).toEqual(["alive", "dead"]);
    expect(await aheadMs(keys.batchers(), "dead")).toBeLessThan(2_000);
  });

  test("the lease of a shard is cut as soon as anybody else wants it, and no sooner ended than any other", async () => {
    const { redis } = fixture;
    const owner = keys.owner(3);
    await redis.set(owner, "dead", "PX", HOUR_MS);
    expect(await ownShard(redis, 3, { batcher: "alive" }, true)).toEqual({ kind: "other", batcher: "dead" });
    const leftMs = await redis.pttl(owner);
    expect(leftMs).toBeLessThanOrEqual(SHARD_LEASE_MS);
    expect(leftMs).toBeGreaterThan(SHARD_LEASE_MS - 1_000);
    await redis.pexpire(owner, 1_000);
    await ownShard(redis, 3, { batcher: "alive" }, true);
    expect(await redis.pttl(owner)).toBeLessThanOrEqual(1_000);
  });

  test("an admission that stopped half-way is taken over, with its own task", async () => {
    const { redis } = fixture;
    const request = { owner: "anna", key: "k", fingerprint: "f", taskId: "t1", version: "1", keptMs: 60_000 };
    const again = { ...request, taskId: "t2" };
    await bindIdempotencyKey(redis, request);
    await expect(bindIdempotencyKey(redis, again)).rejects.toMatchObject({ code: "request-in-progress" });
    const [key = ""] = await redis.keys("*");
    await redis.hincrby(key, "since", HOUR_MS);
    expect(await bindIdempotencyKey(redis, again)).toMatchObject({ taskId: "t1", admitted: false, attempt: 2 });
  });
});
