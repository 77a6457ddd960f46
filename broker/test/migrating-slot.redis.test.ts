import { setTimeout as sleep } from "node:timers/promises";

import { startRedisCluster } from "@sluice/stack";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cancelTask,
  claimRuns,
  connectRedis,
  expireRuns,
  keys,
  parseRedisUrl,
  readTask,
  type RedisClient,
  settleRuns,
} from "../src/index.js";
import { silentLog } from "./redis-fixture.js";
import { admitted, FAILURE, noticeOf, RECORD, runHash, successOf } from "./task-fixture.js";

// While a slot moves, some of its keys are on one server and some on the other. Whatever key is gone already, a script
// must change nothing, or all that it is to change; never a part, and never give an answer that is not true.

let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
let redis: RedisClient;
/** The servers, past the Cluster client, by their ports. */
const servers = new Map<number, RedisClient>();
let from: number;
let to: number;
let slot: string;
let tests = 0;

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3 });
  redis = await connectRedis(parseRedisUrl(cluster.url), silentLog);
  for (const { port } of cluster.nodes) {
    servers.set(port, await connectRedis(parseRedisUrl(`redis://127.0.0.1:${port}`), silentLog));
  }
});
afterAll(async () => {
  for (const server of servers.values()) server.disconnect();
  redis.disconnect();
  await cluster.stop();
});
beforeEach(() => void tests++);
let moving = false;
afterEach(endMove);

type Task = Awaited<ReturnType<typeof admitted>>;

const on = async (port: number, command: string, ...words: string[]): Promise<unknown> => {
  // A server that is about to get the slot says what it has only to who asks for it.
  await servers.get(port)?.call("ASKING");
  return await servers.get(port)?.callBuffer(command, ...words);
};
const textOn = async (port: number, command: string, ...words: string[]): Promise<string> =>
  String(await on(port, command, ...words));

/** Two tasks on one run that a slot has claimed, and another run of the shard that is a dead letter. */
async function prepare(ttlMs = 60_000): Promise<Task> {
  const task = await admitted(redis, `text ${tests}`, { ttlMs });
  await admitted(redis, `text ${tests}`, { ttlMs });
  slot = String(await redis.cluster("KEYSLOT", keys.owner(task.digest.shard)));
  const table = await redis.cluster("SLOTS");
  from = table.find(([first, last]) => first <= Number(slot) && Number(slot) <= last)?.[2]?.[1] ?? 0;
  to = cluster.nodes.find(({ port }) => port !== from)?.port ?? 0;
  return task;
}

async function keysOn(port: number): Promise<string[]> {
  return ((await on(port, "CLUSTER", "GETKEYSINSLOT", slot, "1000")) as Buffer[]).map(String).sort();
}

/** Both servers' keys of the slot with their contents, and which of them live for ever. */
async function contents(): Promise<unknown> {
  const both = [];
  for (const port of [from, to]) {
    for (const key of await keysOn(port)) {
      both.push([port, key, await on(port, "DUMP", key), (await on(port, "PTTL", key)) === -1]);
    }
  }
  return both;
}

async function beginMove(): Promise<void> {
  moving = true;
  const [fromId, toId] = [await textOn(from, "CLUSTER", "MYID"), await textOn(to, "CLUSTER", "MYID")];
  await on(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
  await on(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
}

const move = (key: string): Promise<unknown> => on(from, "MIGRATE", "127.0.0.1", String(to), key, "0", "5000");

async function endMove(): Promise<void> {
  if (!moving) return;
  for (const key of await keysOn(from)) await move(key);
  const toId = await textOn(to, "CLUSTER", "MYID");
  for (const port of [to, from, ...cluster.nodes.map((node) => node.port)]) {
    await on(port, "CLUSTER", "SETSLOT", slot, "NODE", toId);
  }
  moving = false;
}

const CALLS: Readonly<Record<string, (task: Task) => Promise<unknown>>> = {
  "settle as SUCCESS": ({ runId }) =>
    settleRuns(redis, [{ runId, outcome: successOf("x"), record: RECORD }], 60_000).then(rejectFailed),
  "settle as FAILED": ({ runId }) =>
    settleRuns(redis, [{ runId, outcome: FAILURE, record: RECORD }], 60_000).then(rejectFailed),
  cancel: ({ taskId }) => cancelTask(redis, taskId, "anna"),
  read: ({ taskId }) => readTask(redis, taskId),
};

/** Shards that were not carried out stand in the list as errors. */
function rejectFailed(replies: readonly unknown[]): unknown {
  const failed = replies.find((reply) => reply instanceof Error);
  if (failed instanceof Error) throw failed;
  return replies;
}

describe.each(Object.keys(CALLS))("while a slot moves, %s", (name) => {
  test.each(["run", "tasks of the run", "task", "ready stream"])(
    "changes nothing or everything when the %s has moved, and works afterwards",
    async (part) => {
      const task = await prepare();
      const call = CALLS[name];
      const { shard } = task.digest;
      const run = keys.run(shard, task.runId);
      const ready = keys.ready(shard, "m:1:local:now");
      const moved = {
        run,
        "tasks of the run": `${run}:tasks`,
        task: keys.task(shard, task.taskId),
        "ready stream": ready,
      }[part];
      await beginMove();
      await move(moved ?? "");
      const before = await contents();
      const answer = await call?.(task).catch((error: unknown) => error);
      if (answer instanceof Error) {
        expect(answer).toMatchObject({ code: "storage-unavailable" });
        expect(await contents()).toEqual(before);
      } else if (name === "read") expect(answer).toMatchObject({ kind: "open" });
      await endMove();
      await call?.(task);
      await expectWhole(task, name);
    },
    20_000,
  );
});

/** What each call is for, done as a whole: state, custody and time to live agree. */
async function expectWhole({ runId, digest: { shard } }: Task, name: string): Promise<void> {
  const run = await runHash(redis, runId);
  const entries = await redis.xrange(keys.ready(shard, "m:1:local:now"), run["entry"] ?? "-", run["entry"] ?? "+");
  if (name.startsWith("settle")) {
    expect(run["state"]).toBe(name.slice("settle as ".length));
    expect(entries).toEqual([]);
    expect(await redis.pttl(keys.run(shard, runId))).toBeGreaterThan(0);
    const letters = (await redis.xrange(keys.dead(shard), "-", "+")).filter(([, fields]) => fields.includes(runId));
    expect(letters.length).toBe(name.endsWith("FAILED") ? 1 : 0);
  } else {
    expect(run).toMatchObject({ state: "OPEN", live: name === "cancel" ? "1" : "2" });
    expect(entries.length).toBe(1);
  }
}

test("while a slot moves, a run is not expired alone because its other tasks have moved", async () => {
  const task = await prepare(1);
  await admitted(redis, `text ${tests}`, { ttlMs: 60_000 });
  const { shard } = task.digest;
  await beginMove();
  await move(keys.run(shard, task.runId));
  const before = await contents();
  const place = { shard, runId: task.runId };
  const [reply] = await expireRuns(redis, [place], 0).catch((error: unknown) => [error]);
  if (!(reply instanceof Error)) expect(reply).toMatchObject({ kind: "open" });
  expect(await contents()).toEqual(before);
  await endMove();
  expect(await expireRuns(redis, [place], 0)).toMatchObject([{ kind: "open" }]);
  expect(await runHash(redis, task.runId)).toMatchObject({ state: "OPEN", live: "1" });
});

test("a server that falls silent while it gets a slot costs the command that asked it, not the process", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const task = await prepare();
  await beginMove();
  await on(to, "CLIENT", "PAUSE", "6500", "ALL");
  const missing = await redis.get(`${keys.owner(task.digest.shard)}:none`).catch((error: unknown) => String(error));
  expect(missing).toContain("timed out");
  await sleep(2_000);
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
}, 20_000);

test("while a slot moves, a run that killed its workers is buried as a whole or not at all", async () => {
  const task = await prepare();
  const { shard } = task.digest;
  const run = keys.run(shard, task.runId);
  await redis.hset(run, { deaths: 9, alone_deaths: 9 });
  const claim = () => claimRuns(redis, noticeOf([task.runId]), { slot: "w#0", leaseMs: 15_000, keepMs: 60_000 });
  await beginMove();
  await move(keys.ready(shard, "m:1:local:now"));
  const before = await contents();
  const [refused] = await claim();
  expect(refused).toMatchObject({ code: "storage-unavailable" });
  expect(await contents()).toEqual(before);
  await endMove();
  expect(await claim()).toMatchObject([{ kind: "dead" }]);
  expect(await runHash(redis, task.runId)).toMatchObject({ state: "FAILED" });
  expect(await redis.pttl(run)).toBeGreaterThan(0);
});
