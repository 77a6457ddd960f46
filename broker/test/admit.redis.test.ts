import { describe, expect, test } from "vitest";
import { admitTask, cancelTask, keys, settleRuns } from "../src/index.js";
import { dumpState, useRedis } from "./redis-fixture.js";
import { admitted, FAILURE, RECORD, runHash, SETTINGS, successOf, taskOf } from "./task-fixture.js";

const fixture = useRedis();

describe("admit", () => {
  test("a new task makes a run, its entry, its pointer, and nothing else", async () => {
    const { redis } = fixture;
    const { taskId, digest, reply } = await admitted(redis, "hello");
    expect(reply).toEqual({ kind: "created", runId: taskId, depth: 1 });
    const { shard } = digest;
    const state = await dumpState(redis);
    const run = state[keys.run(shard, taskId)] as Record<string, string>;
    const deadline = String(Number(run["admitted"]) + 60_000);
    expect(state).toEqual({
      [keys.task(shard, taskId)]: { owner: "anna", run: taskId, deadline },
      [keys.run(shard, taskId)]: {
        state: "OPEN",
        lane: "m:1:local:now",
        digest: digest.text,
        cost: "1",
        signature: "",
        input: "hello",
        live: "1",
        deadline,
        admitted: run["admitted"],
        entry: expect.stringMatching(/^\d+-\d+$/) as string,
      },
      [keys.digest(shard, digest.text)]: taskId,
      [keys.lanes(shard)]: ["m:1:local:now"],
      [keys.ready(shard, "m:1:local:now")]: [["ref", `${taskId} ${digest.text} ${deadline} 1 `]],
    });
    expect(await redis.ttl(keys.run(shard, taskId))).toBe(-1);
    expect(await redis.pttl(keys.digest(shard, digest.text))).toBeGreaterThan(299_000);
    expect(await redis.pttl(keys.task(shard, taskId))).toBeGreaterThan(60_000 + 600_000);
  });

  test("a task that is admitted again when only its own record is forgotten makes no second run, and counts once", async () => {
    const { redis } = fixture;
    const request = taskOf("hello");
    const { shard, text } = request.digest;
    await admitTask(redis, request, SETTINGS);
    await redis.del(keys.task(shard, request.taskId), keys.digest(shard, text));
    expect(await admitTask(redis, request, SETTINGS)).toEqual({ kind: "joined", runId: request.taskId });
    expect(await runHash(redis, request.taskId)).toMatchObject({ state: "OPEN", live: "1" });
    expect(await redis.xlen(keys.ready(shard, "m:1:local:now"))).toBe(1);
    for (const [outcome, kind] of [
      [successOf("42"), "kept"],
      [FAILURE, "again"],
    ] as const) {
      const done = await admitted(redis, `done as ${kind}`);
      await settleRuns(redis, [{ runId: done.taskId, outcome, record: RECORD }], 600_000);
      await redis.del(keys.task(done.digest.shard, done.taskId), keys.digest(done.digest.shard, done.digest.text));
      const before = await runHash(redis, done.taskId);
      expect(await admitTask(redis, done, SETTINGS)).toEqual({ kind, runId: done.taskId });
      expect(await runHash(redis, done.taskId)).toEqual(before);
    }
  });

  test("the same task again changes nothing", async () => {
    const { redis } = fixture;
    const request = taskOf("hello");
    await admitTask(redis, request, SETTINGS);
    const before = await dumpState(redis);
    expect(await admitTask(redis, request, SETTINGS)).toEqual({ kind: "again", runId: request.taskId });
    expect(await dumpState(redis)).toEqual(before);
  });

  test("a twin joins the open run: one entry, two tasks, the later deadline", async () => {
    const { redis } = fixture;
    const first = await admitted(redis, "hello");
    const second = await admitted(redis, "hello", { ttlMs: 90_000, owner: "bert" });
    expect(second.reply).toEqual({ kind: "joined", runId: first.taskId });
    const { shard } = first.digest;
    const run = await runHash(redis, first.taskId);
    expect(run).toMatchObject({ live: "2", state: "OPEN" });
    expect(Number(run["deadline"])).toBeGreaterThanOrEqual(Number(run["admitted"]) + 90_000);
    expect(await redis.xlen(keys.ready(shard, "m:1:local:now"))).toBe(1);
    expect(await redis.zrangebyscore(keys.runTasks(shard, first.taskId), "-inf", "+inf")).toEqual([
      first.taskId,
      second.taskId,
    ]);
    expect(await redis.hgetall(keys.task(shard, second.taskId))).toMatchObject({ owner: "bert", run: first.taskId });
  });

  test("a twin with an earlier deadline does not shorten the run's", async () => {
    const { redis } = fixture;
    const first = await admitted(redis, "hello");
    const before = (await runHash(redis, first.taskId))["deadline"];
    await admitted(redis, "hello", { ttlMs: 1_000 });
    expect((await runHash(redis, first.taskId))["deadline"]).toBe(before);
  });

  test("a twin of a finished run gets its result, which lives on for another while", async () => {
    const { redis } = fixture;
    const first = await admitted(redis, "hello");
    await settleRuns(redis, [{ runId: first.taskId, outcome: successOf("x"), record: RECORD }], 1_000);
    const runKey = keys.run(first.digest.shard, first.taskId);
    expect(await redis.pttl(runKey)).toBeLessThanOrEqual(1_000);
    const second = await admitted(redis, "hello");
    expect(second.reply).toEqual({ kind: "kept", runId: first.taskId });
    expect(await redis.pttl(runKey)).toBeGreaterThan(599_000);
    expect(await redis.xlen(keys.ready(first.digest.shard, "m:1:local:now"))).toBe(0);
  });

  test("nobody joins a run that failed, or one that everybody left [R1]", async () => {
    const { redis } = fixture;
    const failed = await admitted(redis, "bad");
    await settleRuns(redis, [{ runId: failed.taskId, outcome: FAILURE, record: RECORD }], 60_000);
    expect((await admitted(redis, "bad")).reply.kind).toBe("created");
    const left = await admitted(redis, "left");
    await cancelTask(redis, left.taskId, "anna");
    expect((await admitted(redis, "left")).reply.kind).toBe("created");
  });

  test("a now twin hurries a bulk run: its reference stands in both lanes, once each", async () => {
    const { redis } = fixture;
    const bulk = await admitted(redis, "hello", { batchClass: "bulk" });
    await admitted(redis, "hello");
    await admitted(redis, "hello");
    const { shard } = bulk.digest;
    expect(await redis.xlen(keys.ready(shard, "m:1:local:bulk"))).toBe(1);
    const [[, fields] = []] = await redis.xrange(keys.ready(shard, "m:1:local:now"), "-", "+");
    expect(fields?.[1]?.split(" ")[0]).toBe(bulk.taskId);
    expect(await redis.xlen(keys.ready(shard, "m:1:local:now"))).toBe(1);
    await settleRuns(redis, [{ runId: bulk.taskId, outcome: successOf("x"), record: RECORD }], 60_000);
    expect(await redis.xlen(keys.ready(shard, "m:1:local:bulk"))).toBe(0);
    expect(await redis.xlen(keys.ready(shard, "m:1:local:now"))).toBe(0);
  });

  test("a bulk twin of a now run adds no entry", async () => {
    const { redis } = fixture;
    const { digest } = await admitted(redis, "hello");
    await admitted(redis, "hello", { batchClass: "bulk" });
    expect(await redis.exists(keys.ready(digest.shard, "m:1:local:bulk"))).toBe(0);
  });

  test("a full queue, and a run with too many twins, refuse and leave nothing behind", async () => {
    const { redis } = fixture;
    const { digest } = await admitted(redis, "hello");
    const before = await dumpState(redis);
    const twins = await admitTask(redis, taskOf("hello"), { ...SETTINGS, queueMaxTwins: 1 });
    expect(twins).toEqual({ kind: "full", depth: 1, limit: 1 });
    const other = { ...taskOf("hello"), digest: { ...digest, text: "another" } };
    expect(await admitTask(redis, other, { ...SETTINGS, queueMaxDepthPerShard: 1 })).toEqual({
      kind: "full",
      depth: 1,
      limit: 1,
    });
    expect(await dumpState(redis)).toEqual(before);
  });

  test("out of memory: admission is refused whole, while what was admitted can still be settled", async () => {
    const { redis } = fixture;
    const open = await admitted(redis, "hello");
    const before = await dumpState(redis);
    await redis.config("SET", "maxmemory", "1");
    try {
      await expect(admitTask(redis, taskOf("more"), SETTINGS)).rejects.toMatchObject({ code: "storage-unavailable" });
      expect(await dumpState(redis)).toEqual(before);
      const replies = await settleRuns(
        redis,
        [{ runId: open.taskId, outcome: successOf("x"), record: RECORD }],
        60_000,
      );
      expect(replies).toEqual(["settled"]);
      expect(await redis.xlen(keys.ready(open.digest.shard, "m:1:local:now"))).toBe(0);
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
  });
});
