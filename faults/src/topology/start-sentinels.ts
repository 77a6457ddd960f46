import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { sendCommand } from "@sluice/stack";

import { type RedisNode, startRedisNode } from "./redis-node.js";
import { startSentinel } from "./start-sentinel.js";
import type { SentinelProcess, Topology } from "./topology.js";
import { waitUntilWhole } from "./topology.js";

const MASTER_NAME = "sluice";

/**
 * Starts a master, two replicas and three Sentinels that replace a master after a second of silence. Everybody, the
 * servers among themselves too, goes by way of the links: a fault on one cuts that server off from all.
 */
export async function startSentinels(dir: string): Promise<Topology> {
  const nodes: RedisNode[] = [];
  const sentinels: SentinelProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(sentinels.map((sentinel) => sentinel.kill()));
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const isMaster = async (node: RedisNode): Promise<boolean> =>
    node.isRunning() && (await node.info("replication", "role")) === "master";
  const masters = async (): Promise<RedisNode[]> => {
    const states = await Promise.all(nodes.map((node) => isMaster(node).catch(() => false)));
    return nodes.filter((_node, index) => states[index]);
  };
  const url = (): string =>
    `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER_NAME}`;
  const topology: Topology = {
    kind: "R",
    nodes,
    links: () => nodes.map((node) => node.link),
    urlFor: async () => url(),
    adminUrl: url,
    masters,
    masterOfShard: async () => (await masters())[0],
    // By itself it would come back as a master, until a Sentinel corrects it some ten seconds later.
    beforeReturn: async (node) => {
      const master = (await masters())[0];
      if (master) await appendFile(configFileOf(dir, node.name), `\n${replicaOf(master)}`);
    },
    sentinels,
    envFor: () => ({}),
    sourceAddressOf: () => undefined,
    isWhole: () =>
      isWhole(
        nodes,
        sentinels.map(({ port }) => port),
      ),
    stop,
  };
  try {
    for (let index = 0; index < 3; index++) nodes.push(await startServer(dir, index, nodes[0]));
    const masterPort = nodes[0]?.link.port ?? 0;
    for (let index = 0; index < 3; index++)
      sentinels.push(await startSentinel(dir, index, { name: MASTER_NAME, port: masterPort }));
    await waitUntilWhole(topology, 30_000);
    return topology;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startServer(dir: string, index: number, master: RedisNode | undefined): Promise<RedisNode> {
  const name = `redis-${index + 1}`;
  await mkdir(join(dir, name), { recursive: true });
  // In a file, not among the arguments: Sentinel lets a server note there whose replica it has become.
  const configFile = configFileOf(dir, name);
  await writeFile(configFile, master === undefined ? "" : replicaOf(master));
  return startRedisNode({
    name,
    dir,
    configFile,
    args: (linkPort) => [
      ...["--replica-announce-ip", "127.0.0.1", "--replica-announce-port", String(linkPort)],
      ...["--repl-timeout", "6", "--repl-ping-replica-period", "1"],
    ],
  });
}

const configFileOf = (dir: string, name: string): string => join(dir, name, "redis.conf");
const replicaOf = (master: RedisNode): string => `replicaof 127.0.0.1 ${master.link.port}\n`;

/** One master, two replicas that follow it, and every Sentinel knows that master and its peers. */
async function isWhole(nodes: readonly RedisNode[], sentinelPorts: readonly number[]): Promise<boolean> {
  if (!nodes.every((node) => node.isRunning())) return false;
  const roles = await Promise.all(nodes.map((node) => node.info("replication", "role")));
  const master = nodes[roles.indexOf("master")];
  if (master === undefined || roles.filter((role) => role === "master").length !== 1) return false;
  const links = await Promise.all(nodes.map((node) => node.info("replication", "master_link_status")));
  const targets = await Promise.all(nodes.map((node) => node.info("replication", "master_port")));
  const follows = nodes.every(
    (node, index) => node === master || (links[index] === "up" && targets[index] === String(master.link.port)),
  );
  if (!follows) return false;
  const views = await Promise.all(sentinelPorts.map((port) => sendCommand(port, ["INFO", "sentinel"])));
  return views.every((view) =>
    view.includes(`name=${MASTER_NAME},status=ok,address=127.0.0.1:${master.link.port},slaves=2,sentinels=3`),
  );
}
