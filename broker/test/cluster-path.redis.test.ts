import { startRedisCluster } from "@sluice/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  announceBatcher,
  changeSetting,
  claimRuns,
  connectRedis,
  createDoneEvents,
  createNoticeReader,
  createReadyReader,
  createShardSubscriber,
  decodeOutput,
  finishBatch,
  heartbeatSlots,
  keys,
  parseRedisUrl,
  publishBatch,
  readLaneReports,
  readSettingsHistory,
  readSettingsState,
  readTask,
  type RedisClient,
  type RedisTarget,
  settleRuns,
  SHARD_COUNT,
  tellLaneReports,
} from "../src/index.js";
import { silentLog } from "./redis-fixture.js";
import { admitted, noticeOf, RECORD, successOf } from "./task-fixture.js";

let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
let target: RedisTarget;
let redis: RedisClient;

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3 });
  target = parseRedisUrl(cluster.url);
  redis = await connectRedis(target, silentLog);
});
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

test("on a Cluster, tasks of all shards go from admission to result, each script within its slot", async () => {
  const events = createDoneEvents(createShardSubscriber(target, silentLog));
  await events.start();
  const tasks = await Promise.all(Array.from({ length: 64 }, (_, i) => admitted(redis, `text ${i}`)));
  expect(new Set(tasks.map((task) => task.digest.shard)).size).toBeGreaterThan(12);
  const woken = tasks.map((task) => new Promise((resolve) => events.listen(task.taskId, resolve)));

  const lane = "m:1:local:now";
  const read: string[] = [];
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    const reader = createReadyReader(target, redis, "b1", shard);
    read.push(...(await reader.read([{ shard, lane }], 64, 20)).map((ref) => ref.runId));
    reader.close();
  }
  expect(read.sort()).toEqual(tasks.map((task) => task.taskId).sort());

  await heartbeatSlots(redis, "p", ["w#0"]);
  await publishBatch(redis, "p", { batchClass: "now", notice: noticeOf(read), prefetch: 1 });
  const slot = createNoticeReader(target, redis, "p", "w#0");
  const [pulled] = await slot.pull(["now", "bulk"], 500);
  slot.close();
  if (!pulled?.notice) throw new Error("no notice");
  const claims = await claimRuns(redis, pulled.notice, { slot: "w#0", leaseMs: 15_000, keepMs: 60_000 });
  const settlements = claims.map((claim, i) => {
    if ("code" in claim || claim.kind !== "claimed") throw new Error("not claimed");
    return { runId: read[i] ?? "", outcome: successOf(claim.input.toString().toUpperCase()), record: RECORD };
  });
  expect(await settleRuns(redis, settlements, 60_000)).toEqual(read.map(() => "settled"));
  const message = { batchId: "batch-1", serviceMs: 1, unsettled: [] };
  expect(await finishBatch(redis, "p", { batchClass: "now", slot: "w#0", noticeId: pulled.noticeId, message })).toBe(
    "finished",
  );

  await Promise.all(woken);
  await events.stop();
  for (const [i, task] of tasks.entries()) {
    const answer = await readTask(redis, task.taskId);
    expect(answer.kind === "done" && decodeOutput(answer.output)[0]?.data.toString()).toBe(`TEXT ${i}`);
    expect(await redis.xlen(keys.ready(task.digest.shard, lane))).toBe(0);
  }
});

test("on a Cluster, a setting is changed and noted in one slot, and lanes are told and read", async () => {
  const change = { field: "batch.max_size", value: "8", by: "anna" };
  expect(await changeSetting(redis, change)).toBeUndefined();
  const { written, entries } = await readSettingsHistory(redis, "0-0");
  expect(written).toEqual({ "batch.max_size": "8" });
  expect(entries).toMatchObject([{ by: "anna", field: "batch.max_size", old: undefined, new: "8" }]);
  expect((await readSettingsHistory(redis, entries[0]?.id ?? "")).entries).toEqual([]);
  expect((await readSettingsState(redis)).inForce).toEqual({ "batch.max_size": "8" });

  const latest = { rows: 1, waitMs: 2, reasons: { full: 1 } };
  const report = { lane: "m:1:local:now", mode: "fixed" as const, openRuns: 1, arrivalsPerS: 1, drift: 1, latest };
  for (const batcher of ["b1", "b2"]) {
    await announceBatcher(redis, { batcher });
    await tellLaneReports(redis, { pool: "p", batcher }, [{ ...report, enough: 8, most: 8 }]);
  }
  expect((await readLaneReports(redis, "p")).get(report.lane)?.openRuns).toBe(2);
});
