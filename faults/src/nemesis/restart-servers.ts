import type { RedisNode } from "../topology/redis-node.js";
import type { Topology } from "../topology/topology.js";

/**
 * Restarts every server of a Cluster, one after the other, as an operator does: a master changes places with its
 * replica first.
 * @param between what is waited for before each: at least that everything follows again.
 */
export async function restartServers(topology: Topology, between: () => Promise<unknown>): Promise<void> {
  for (const node of topology.nodes) {
    await between();
    if ((await node.info("replication", "role")) === "master") await stepDown(node, topology);
    await node.terminate();
    await node.restart();
  }
}

/** `CLUSTER FAILOVER` on its replica, until that has taken over. */
export async function stepDown(master: RedisNode, { nodes }: Topology): Promise<void> {
  const replica = await replicaOf(master, nodes);
  if (replica === undefined) throw new Error(`${master.name} has no replica`);
  await replica.command("CLUSTER", "FAILOVER");
  for (const deadlineMs = Date.now() + 10_000; (await replica.info("replication", "role")) !== "master";) {
    if (Date.now() > deadlineMs) throw new Error(`${replica.name} has not taken over from ${master.name}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The node of a Cluster that follows this master, as it says itself. */
export async function replicaOf(master: RedisNode, nodes: readonly RedisNode[]): Promise<RedisNode | undefined> {
  const masterId = await master.command("CLUSTER", "MYID");
  for (const node of nodes) {
    if (!node.isRunning()) continue;
    const self = (await node.command("CLUSTER", "NODES")).split("\n").find((line) => line.includes("myself"));
    if (self?.includes(` ${masterId} `)) return node;
  }
  return undefined;
}
