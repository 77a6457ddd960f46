import type { RedisClient } from "@sluice/broker";
import { freePort, type RedisServer, sendCommand, startRedisCluster, startRedisServer } from "@sluice/stack";
import { expect, test } from "vitest";
import { submit, useDurableApis } from "./durable-api.js";

const { start, startApi } = useDurableApis();
const SOON = { timeout: 20_000, interval: 50 };

/** A replica of one master of a cluster, that has caught up. */
async function startReplica({ port: masterPort }: RedisServer): Promise<RedisServer> {
  const clustered = ["--cluster-enabled", "yes", "--cluster-port", String(await freePort())];
  const extraArgs = [...clustered, "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"];
  const replica = await start(startRedisServer({ extraArgs }));
  const nodesOf = (port: number) => sendCommand(port, ["CLUSTER", "NODES"]);
  const [, id = "", busPort = ""] = /^(\w+) \S+@(\d+)\S* \S*myself/m.exec(await nodesOf(masterPort)) ?? [];
  await sendCommand(replica.port, ["CLUSTER", "MEET", "127.0.0.1", String(masterPort), busPort]);
  await expect.poll(() => nodesOf(replica.port), SOON).toContain(`${id} `);
  const follow = () => sendCommand(replica.port, ["CLUSTER", "REPLICATE", id]).catch(String);
  await expect.poll(follow, SOON).toBe("OK");
  await expect.poll(() => sendCommand(masterPort, ["INFO", "replication"]), SOON).toMatch(/state=online/);
  return replica;
}

/** Keys of shards on each master, by its port. */
async function shardKeys(redis: RedisClient, pattern: string): Promise<Map<number, string[]>> {
  if (!("nodes" in redis)) throw new Error("not a cluster");
  const nodes = redis.nodes("master");
  return new Map(
    await Promise.all(nodes.map(async (node) => [node.options.port ?? 0, await node.keys(pattern)] as const)),
  );
}
const portOf = (found: Map<number, string[]>) => [...found].find(([, names]) => names.length > 0)?.[0];

test("a key on another master than its task must last as well before the task counts as accepted", async () => {
  const cluster = await start(startRedisCluster({ masters: 3 }));
  const replicas = new Map(
    await Promise.all(cluster.nodes.map(async (master) => [master.port, await startReplica(master)] as const)),
  );
  const { url, redis } = await startApi(cluster.url, { level: "replicated", replicas: 1 });
  const forget = async () => {
    for (const names of (await shardKeys(redis, "sluice:{q:*")).values())
      for (const name of names) await redis.unlink(name);
  };
  // Which key lies apart from its task only Redis knows.
  let apart: { key: string; keyPort: number } | undefined;
  for (let i = 0; !apart; i++) {
    const key = `key ${i}`.replace(" ", "-");
    await expect.poll(async () => (await submit(url, key)).status, SOON).toBe(202);
    const taskPort = portOf(await shardKeys(redis, "*:task:*"));
    const keyPort = portOf(await shardKeys(redis, "sluice:{*}:key:*"));
    if (keyPort !== undefined && keyPort !== taskPort) apart = { key, keyPort };
    await forget();
  }
  const { key, keyPort } = apart;
  replicas.get(keyPort)?.kill("SIGSTOP");
  expect(await submit(url, key)).toMatchObject({ status: 503, body: { code: "durability-unconfirmed" } });
  replicas.get(keyPort)?.kill("SIGCONT");
  await expect.poll(async () => (await submit(url, key)).status, SOON).toBe(202);
  expect([...(await shardKeys(redis, "*:task:*")).values()].flat()).toHaveLength(1);
}, 120_000);
