import { keys, SHARD_COUNT } from "@sluice/broker";

import { addPair } from "./add-pair.js";
import { meet, startClusterNode, untilDone } from "./cluster-node.js";
import type { RedisNode } from "./redis-node.js";
import { SourceAddresses } from "./source-address.js";
import type { Topology, TopologyOptions } from "./topology.js";
import { waitUntilWhole } from "./topology.js";

/** Slots of a Redis Cluster (cluster specification, "Key distribution model"). */
const SLOTS = 16_384;
const MASTERS = 3;

/**
 * Starts three masters and a replica of each, with a node timeout of 2 s. Clients and replication go by way of the
 * links; the cluster's own bus has links of its own if nodes are separable, else none, so a fault on a link is not seen
 * by the other nodes.
 */
export async function startCluster(dir: string, options: TopologyOptions): Promise<Topology> {
  const nodes: RedisNode[] = [];
  const guests = new Set<RedisNode>();
  const slotOfShard = new Map<number, number>();
  const addresses = new SourceAddresses(options.separable ?? false);
  const stop = async (): Promise<void> => {
    await Promise.all([...nodes, ...guests].map((node) => node.stop()));
  };
  const url = (): string => `redis-cluster://${nodes.map(({ link }) => link.address).join(",")}`;
  const topology: Topology = {
    kind: "C",
    nodes,
    links: () => nodes.map((node) => node.link),
    urlFor: async () => url(),
    adminUrl: url,
    masters: async () => {
      const roles = await Promise.all(nodes.map((node) => roleOf(node)));
      return nodes.filter((_node, index) => roles[index] === "master");
    },
    masterOfShard: (shard) => masterOfSlot([...nodes, ...guests], slotOfShard.get(shard) ?? 0),
    sentinels: [],
    envFor: (processName) => addresses.envFor(processName),
    sourceAddressOf: (processName) => addresses.addressOf(processName),
    addPair: () => addPair(dir, nodes, guests),
    isWhole: () => isWhole(nodes),
    stop,
  };
  try {
    nodes.push(
      ...(await Promise.all(Array.from({ length: 2 * MASTERS }, (_, index) => startClusterNode(dir, index, options)))),
    );
    await join(nodes);
    await waitUntilWhole(topology, 40_000);
    for (let shard = 0; shard < SHARD_COUNT; shard++) {
      slotOfShard.set(shard, Number(await nodes[0]?.command("CLUSTER", "KEYSLOT", keys.owner(shard))));
    }
    return topology;
  } catch (error) {
    await stop();
    throw error;
  }
}

async function join(nodes: readonly RedisNode[]): Promise<void> {
  const masters = nodes.slice(0, MASTERS);
  for (const [index, node] of masters.entries()) {
    const start = Math.floor((SLOTS * index) / MASTERS);
    const end = Math.floor((SLOTS * (index + 1)) / MASTERS) - 1;
    await node.command("CLUSTER", "ADDSLOTSRANGE", String(start), String(end));
  }
  for (const [index, node] of nodes.entries()) {
    // Different epochs from the start, so that no two masters have to settle a conflict.
    await node.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
  }
  const ids = await Promise.all(nodes.map((node) => node.command("CLUSTER", "MYID")));
  const [first, ...others] = nodes;
  for (const node of others) if (first) await meet(first, node);
  for (const [index, node] of nodes.slice(MASTERS).entries()) {
    await untilDone(() => node.command("CLUSTER", "REPLICATE", ids[index] ?? ""));
  }
}

async function roleOf(node: RedisNode): Promise<string | undefined> {
  if (!node.isRunning()) return undefined;
  return node.info("replication", "role").catch(() => undefined);
}

async function masterOfSlot(nodes: readonly RedisNode[], slot: number): Promise<RedisNode | undefined> {
  for (const asked of nodes.filter((node) => node.isRunning())) {
    const table = await asked.command("CLUSTER", "NODES").catch(() => "");
    for (const line of table.split("\n").filter((one) => /\bmaster\b/.test(one) && !/\bfail\b/.test(one))) {
      const [, address = "", , , , , , , ...ranges] = line.split(" ");
      if (ranges.some((range) => holds(range, slot))) {
        return nodes.find(({ link }) => address.startsWith(`127.0.0.1:${link.port}@`));
      }
    }
  }
  return undefined;
}

/** `0-5460`, `7`; slots on their way (`[7->-ID]`) are in the other ranges too. */
function holds(range: string, slot: number): boolean {
  const match = /^(\d+)(?:-(\d+))?$/.exec(range);
  return match !== null && slot >= Number(match[1]) && slot <= Number(match[2] ?? match[1]);
}

/** All run, every node says that the cluster is well, and every replica follows. */
async function isWhole(nodes: readonly RedisNode[]): Promise<boolean> {
  if (!nodes.every((node) => node.isRunning())) return false;
  const states = await Promise.all(
    nodes.map(async (node) => {
      const cluster = await node.command("CLUSTER", "INFO");
      const role = await node.info("replication", "role");
      const well = cluster.includes("cluster_state:ok") && cluster.includes(`cluster_known_nodes:${nodes.length}\r`);
      const follows = role === "master" || (await node.info("replication", "master_link_status")) === "up";
      const followed = role === "slave" || (await node.info("replication", "connected_slaves")) === "1";
      return { isMaster: role === "master", whole: well && follows && followed };
    }),
  );
  return states.every(({ whole }) => whole) && states.filter(({ isMaster }) => isMaster).length === MASTERS;
}
