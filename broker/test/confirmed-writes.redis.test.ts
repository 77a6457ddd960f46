import { afterEach, describe, expect, test } from "vitest";
import { type RedisServer, startRedisServer } from "@sluice/stack";
import {
  admitTask,
  confirmsEarly,
  connectRedis,
  createConfirmedWrites,
  createServerWatch,
  type Durability,
  keys,
  parseRedisUrl,
  type RedisClient,
} from "../src/index.js";
import { silentLog } from "./redis-fixture.js";
import { SETTINGS, taskOf } from "./task-fixture.js";

const running: { stop(): Promise<void> }[] = [];
const clients: { disconnect(): void }[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

async function start(options: Parameters<typeof startRedisServer>[0]): Promise<RedisServer> {
  const server = await startRedisServer(options);
  running.push(server);
  return server;
}

async function connect(server: RedisServer): Promise<RedisClient> {
  const redis = await connectRedis(parseRedisUrl(server.url), silentLog);
  clients.push(redis);
  return redis;
}

/** Admits through confirmed writes; how it ended, and how long it took. */
async function admitOn(server: RedisServer, redis: RedisClient, durability: Durability) {
  const writes = createConfirmedWrites(parseRedisUrl(server.url), redis, durability);
  clients.push({ disconnect: () => void writes.stop() });
  return (text: string) => {
    const task = taskOf(text);
    return writes.run(task.digest.shard, (client) => admitTask(client, task, SETTINGS));
  };
}

describe("replicated", () => {
  /** A master and a replica that has caught up. */
  async function startPair() {
    const master = await start({ appendonly: "everysec", extraArgs: ["--repl-diskless-sync-delay", "0"] });
    const replica = await start({ extraArgs: ["--replicaof", "127.0.0.1", String(master.port)] });
    const redis = await connect(master);
    while ((await redis.wait(1, 100)) < 1) await redis.set("probe", "1");
    return { master, replica, redis };
  }

  test("an admission counts when the replica has it, and is unconfirmed while the replica hangs", async () => {
    const { master, replica, redis } = await startPair();
    const admit = await admitOn(master, redis, { level: "replicated", replicas: 1 });
    expect(await admit("one")).toMatchObject({ kind: "created" });
    const copy = await connect(replica);
    const { shard } = taskOf("one").digest;
    expect(await copy.exists(keys.lanes(shard))).toBe(1);
    replica.kill("SIGSTOP");
    const startedMs = performance.now();
    await expect(admit("two")).rejects.toMatchObject({ code: "durability-unconfirmed" });
    expect(performance.now() - startedMs).toBeLessThan(2_500);
    // The control: who asks for less is answered at once.
    expect(await (await admitOn(master, redis, { level: "memory" }))("three")).toMatchObject({ kind: "created" });
    replica.kill("SIGCONT");
    const deadlineMs = performance.now() + 5_000;
    for (;;) {
      const reply = await admit("two").catch((error: unknown) => error);
      if (!(reply instanceof Error)) break;
      expect(performance.now()).toBeLessThan(deadlineMs);
    }
  });

  test("a thousand at once need few confirmations", async () => {
    const { master, redis } = await startPair();
    const admit = await admitOn(master, redis, { level: "replicated", replicas: 1 });
    await redis.config("RESETSTAT");
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => admit(`text ${i}`)));
    const calls = /cmdstat_wait:calls=(\d+)/.exec(await redis.info("commandstats"))?.[1];
    expect(Number(calls)).toBeGreaterThan(0);
    expect(Number(calls)).toBeLessThan(200);
  });

  test("readiness says which replicas are missing, and forgets it when they come", async () => {
    const master = await start({ appendonly: "everysec", extraArgs: ["--repl-diskless-sync-delay", "0"] });
    const redis = await connect(master);
    const watch = createServerWatch(redis, { level: "replicated", replicas: 1 }, silentLog);
    await watch.start();
    expect(watch.doubts()).toEqual([`127.0.0.1:${master.port}: 0 of 1 replicas are connected`]);
    await start({ extraArgs: ["--replicaof", "127.0.0.1", String(master.port)] });
    await expect.poll(() => watch.doubts(), { timeout: 15_000 }).toEqual([]);
    await watch.stop();
  });
});

describe("fsync", () => {
  test("is refused at start by a server that cannot confirm it", async () => {
    const redis = await connect(await start({}));
    const watch = createServerWatch(redis, { level: "fsync" }, silentLog);
    await expect(watch.start()).rejects.toMatchObject({ code: "config-invalid", message: /appendonly yes/ });
  });

  test("holds where each write is forced to the disk", async () => {
    const server = await start({ appendonly: "always" });
    const redis = await connect(server);
    const watch = createServerWatch(redis, { level: "fsync" }, silentLog);
    await watch.start();
    expect(watch.doubts()).toEqual([]);
    await watch.stop();
    const admit = await admitOn(server, redis, { level: "fsync" });
    expect(await admit("one")).toMatchObject({ kind: "created" });
  });

  test("waits for the disk with WAITAOF where the server knows it, and is refused where it does not", async () => {
    const server = await start({ appendonly: "everysec" });
    const redis = await connect(server);
    const watch = createServerWatch(redis, { level: "fsync" }, silentLog);
    const [knows] = (await redis.call("COMMAND", "INFO", "waitaof")) as unknown[];
    if (!knows) {
      await expect(watch.start()).rejects.toMatchObject({ code: "config-invalid", message: /WAITAOF/ });
      return;
    }
    await watch.start();
    await watch.stop();
    const writes = createConfirmedWrites(parseRedisUrl(server.url), redis, { level: "fsync" });
    clients.push({ disconnect: () => void writes.stop() });
    const starting = await Promise.allSettled([writes.start()]);
    if (await confirmsEarly(redis, "probe")) {
      expect(starting[0]).toMatchObject({ status: "rejected", reason: { code: "config-invalid" } });
      return;
    }
    const task = taskOf("one");
    await redis.config("RESETSTAT");
    const startedMs = performance.now();
    expect(await writes.run(task.digest.shard, (client) => admitTask(client, task, SETTINGS))).toMatchObject({
      kind: "created",
    });
    expect(await redis.info("commandstats")).toContain("cmdstat_waitaof:calls=1");
    expect(performance.now() - startedMs).toBeGreaterThan(500);
  });
});

test("eviction makes a server doubtful while it is on", async () => {
  const redis = await connect(await start({}));
  await redis.config("SET", "maxmemory-policy", "allkeys-lru");
  const watch = createServerWatch(redis, { level: "memory" }, silentLog);
  await watch.start();
  expect(watch.doubts()).toEqual([expect.stringContaining("set noeviction")]);
  await redis.config("SET", "maxmemory-policy", "noeviction");
  await expect.poll(() => watch.doubts(), { timeout: 10_000 }).toEqual([]);
  await watch.stop();
});

test("a connection that is cut is replaced, and what was under way may be repeated", async () => {
  const server = await start({ appendonly: "always" });
  const redis = await connect(server);
  const admit = await admitOn(server, redis, { level: "fsync" });
  await admit("one");
  await redis.call("CLIENT", "KILL", "TYPE", "normal");
  const replies = await Promise.allSettled([admit("two"), admit("three")]);
  for (const reply of replies)
    if (reply.status === "rejected") expect(reply.reason).toHaveProperty("code", "storage-unavailable");
  expect(await admit("four")).toMatchObject({ kind: "created" });
});
