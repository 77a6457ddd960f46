import { describe, expect, test } from "vitest";
import { claimRuns, keys, type Notice, readPoolUse, SHARD_COUNT, unclaimRuns } from "@sluice/broker";
import {
  admitMany,
  admitOne,
  NOW_LANE,
  openEntries,
  POOL,
  shardOf,
  stateOf,
  statesOf,
  until,
  useBatchers,
} from "./batcher-fixture.js";

const fixture = useBatchers();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const noticesOf = (notices: readonly Notice[], runId: string) =>
  notices.filter((notice) => notice.rows.some((row) => row.runId === runId));

describe("pending entries", () => {
  test("of a batcher that is gone are taken over before anything new is read [R3]", async () => {
    const { redis } = fixture;
    const old = await admitMany(redis, 40);
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      const stream = keys.ready(shard, NOW_LANE);
      if (await redis.exists(stream)) await redis.xreadgroup("GROUP", "batchers", "gone", "STREAMS", stream, ">");
    }
    const fresh = await admitMany(redis, 40);
    await fixture.batcher();
    const worker = await fixture.worker();
    const tookMs = await until(() => worker.settled.length === 80, 4_000, "all settled");
    expect(tookMs).toBeLessThan(2_000);
    const order = worker.notices.flatMap((notice) => notice.rows.map((row) => row.runId));
    expect(order.slice(0, 40).toSorted()).toEqual(old.toSorted());
    expect(await statesOf(redis, [...old, ...fresh])).toEqual({ SUCCESS: 80 });
    expect(await openEntries(redis)).toBe(0);
  });

  test("of its own, whose reply was lost, are found by its next walk [R4]", async () => {
    const { redis } = fixture;
    const batcher = await fixture.batcher();
    const worker = await fixture.worker();
    await until(() => batcher.isReady(), 2_000, "ready");
    const taskId = await admitLost(batcher.name);
    // Control: nothing but the walk finds it, and the walk comes every five seconds.
    await sleep(1_000);
    expect(await stateOf(redis, taskId)).toBe("open");
    await until(() => worker.settled.includes(taskId), 6_000, "the lost one settled");
  });

  /** Admits a task whose entry is read under the batcher's name, in one transaction, by somebody else. */
  async function admitLost(consumer: string): Promise<string> {
    const { redis } = fixture;
    // Admitted to a lane that nobody serves, then moved: the batcher cannot be faster.
    const taskId = await admitOne(redis, { lane: { model: "m", version: "2", zone: "local", batchClass: "now" } });
    const [entry] = await redis.xrange(keys.ready(shardOf(taskId), "m:2:local:now"), "-", "+");
    const stream = keys.ready(shardOf(taskId), NOW_LANE);
    const moved = await redis
      .multi()
      .xadd(stream, "*", ...(entry?.[1] ?? []))
      .xreadgroup("GROUP", "batchers", consumer, "STREAMS", stream, ">")
      .exec();
    await redis.hset(keys.run(shardOf(taskId), taskId), "lane", NOW_LANE, "entry", String(moved?.[0]?.[1]));
    return taskId;
  }
});

describe("a batch that is published", () => {
  test("comes again when its notice is lost, after the lease and a margin", async () => {
    const { redis } = fixture;
    await redis.hset(keys.config, "lease_ms", "1000");
    await fixture.batcher();
    const id = await publishAndLose();
    const worker = await fixture.worker({ leaseMs: 1_000 });
    // Control: nothing but the look-up brings it back, and the lease must have ended before.
    await sleep(700);
    expect(worker.notices).toEqual([]);
    await until(() => worker.settled.includes(id), 3_000, "looked up and published again");
    expect(await stateOf(redis, id)).toBe("SUCCESS");
  });

  /** Publishes one task to a slot that never pulls, and takes the notice away. */
  async function publishAndLose(): Promise<string> {
    const { redis } = fixture;
    const stream = keys.notices(POOL, "now");
    await redis.zadd(keys.slots(POOL), Date.now(), "live#0");
    const id = await admitOne(redis);
    await until(async () => (await redis.xlen(stream)) === 1, 2_000, "published");
    const [entry] = await redis.xrange(stream, "-", "+");
    await redis.xdel(stream, entry?.[0] ?? "");
    await redis.zrem(keys.slots(POOL), "live#0");
    return id;
  }

  test("comes again within six seconds of its worker's death", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const doomed = await fixture.worker({ conduct: () => "die" });
    const ids = await admitMany(redis, 64);
    await until(() => doomed.notices.length === 1, 2_000, "claimed by the doomed");
    const worker = await fixture.worker();
    const tookMs = await until(() => worker.settled.length === 64, 8_000, "settled by another");
    expect(tookMs).toBeLessThan(6_000);
    // Control: its leases would have held for fifteen seconds.
    expect(tookMs).toBeGreaterThan(2_000);
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 64 });
    expect(await readPoolUse(redis, POOL)).toEqual({ liveSlots: 1, endpoints: 1, used: 0 });
  });

  test("comes again at once when its worker gives it back", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const given: string[] = [];
    const worker = await fixture.worker({
      conduct: ({ batchId }) => (given.push(batchId) === 1 ? "return" : "settle"),
    });
    const ids = await admitMany(redis, 10);
    const tookMs = await until(() => worker.settled.length === 10, 3_000, "settled");
    expect(tookMs).toBeLessThan(1_000);
    expect(given).toHaveLength(2);
    expect(await statesOf(redis, ids)).toEqual({ SUCCESS: 10 });
  });

  test("does not block its credit for ever when nobody hears that it is finished", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const worker = await fixture.worker({ conduct: () => "lose finish" });
    for (let round = 0; round < 4; round++) await admitMany(redis, 64);
    await until(() => worker.settled.length === 256, 3_000, "four batches through two credits");
    expect(await openEntries(redis)).toBe(0);
  });
});

describe("a run that killed its workers", () => {
  test("is published alone, and its mates are not held up", async () => {
    const { redis } = fixture;
    const [one = "", two = ""] = await admitMany(redis, 2);
    const mates = await admitMany(redis, 20);
    for (let death = 0; death < 3; death++) await killWith([one, two], `slot#${death}`);
    await fixture.batcher();
    const worker = await fixture.worker();
    await until(() => worker.settled.length === 22, 4_000, "all settled");
    for (const runId of [one, two]) {
      const [first, second] = noticesOf(worker.notices, runId);
      expect(first?.rows.length).toBeGreaterThan(1);
      expect(second).toMatchObject({ reason: "solo", rows: [{ runId }] });
    }
    expect(await statesOf(redis, [one, two, ...mates])).toEqual({ SUCCESS: 22 });
  });

  async function killWith(runIds: readonly string[], slot: string): Promise<void> {
    const rows = runIds.map((runId) => ({ runId, digest: "", admittedMs: 0 }));
    const notice: Notice = { batchId: `of ${slot}`, batcher: "b", lane: NOW_LANE, reason: "due", waitMs: 0, rows };
    await claimRuns(fixture.redis, notice, { slot, leaseMs: 15_000, keepMs: 60_000 });
    await unclaimRuns(fixture.redis, runIds, { slot, batchId: notice.batchId, kind: "died" });
  }
});

describe("deadlines", () => {
  test("a task that waits past its deadline is expired without any worker", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const late = await admitOne(redis, { ttlMs: 400 });
    const inTime = await admitOne(redis);
    const stored = async () => (await redis.hget(keys.task(shardOf(late), late), "state")) === "EXPIRED";
    const tookMs = await until(stored, 2_000, "EXPIRED is stored");
    expect(tookMs).toBeGreaterThan(300);
    expect(tookMs).toBeLessThan(1_000);
    expect(await stateOf(redis, inTime)).toBe("open");
    expect(await openEntries(redis)).toBe(1);
  });

  test("a run that a twin has prolonged is not forgotten [R6]", async () => {
    const { redis } = fixture;
    await fixture.batcher();
    const late = await admitOne(redis, { ttlMs: 400, text: "twins" });
    const twin = await admitOne(redis, { ttlMs: 60_000, text: "twins" });
    const stored = async () => (await redis.hget(keys.task(shardOf(late), late), "state")) === "EXPIRED";
    await until(stored, 2_000, "the first task is EXPIRED");
    const worker = await fixture.worker();
    await until(() => worker.settled.length === 1, 2_000, "the run itself goes on");
    expect(await stateOf(redis, late)).toBe("EXPIRED");
    expect(await stateOf(redis, twin)).toBe("SUCCESS");
  });
});

test("a bulk run with a `now` twin leaves once, with the `now` lane", async () => {
  const { redis } = fixture;
  const first = await admitOne(redis, { batchClass: "bulk", text: "twins" });
  const twin = await admitOne(redis, { batchClass: "now", text: "twins" });
  expect(await openEntries(redis)).toBe(2);
  await fixture.batcher();
  const worker = await fixture.worker();
  await until(() => worker.settled.length === 1, 2_000, "settled");
  expect(worker.notices.map(({ lane, rows }) => [lane, rows.length])).toEqual([[NOW_LANE, 1]]);
  expect(await statesOf(redis, [first, twin])).toEqual({ SUCCESS: 2 });
  expect(await openEntries(redis)).toBe(0);
});
