import type { Fault } from "../schedule/fault.js";
import type { RedisNode } from "../topology/redis-node.js";
import { shardsOf } from "./cluster-faults.js";
import { type BegunFault, choose, type FaultTargets, skip } from "./begun-fault.js";
import { replicaOf } from "./restart-servers.js";

/** How long another node may take to become master. */
const FAILOVER_MS = 20_000;

/**
 * Kills a master by SIGKILL. Where there are replicas it happens only while they follow, stays down until one of them
 * has taken its place, and comes back as a replica; a single server comes back with what its AOF holds.
 */
export async function killMaster(
  fault: Extract<Fault, { kind: "kill-master" }>,
  targets: FaultTargets,
  busy: Set<string>,
): Promise<BegunFault> {
  const { topology } = targets;
  // The promise holds while Redis keeps its data: with no replica that follows, nobody has them.
  if (!(await targets.whole())) return skip("the topology is not whole");
  const master = choose(await topology.masters(), fault.pick, busy);
  if (master === undefined) return skip("all are busy");
  const shards = await shardsOf(master, topology);
  const atMs = Date.now();
  await master.kill();
  return {
    atMs,
    target: master.name,
    skipped: undefined,
    shards,
    heal: async () => {
      if (topology.kind !== "S") await untilReplaced(master, shards[0] ?? 0, targets);
      await new Promise((resolve) => setTimeout(resolve, fault.downMs));
      await topology.beforeReturn?.(master);
      await master.restart();
      await targets.whole();
    },
  };
}

async function untilReplaced(master: RedisNode, shard: number, { topology }: FaultTargets): Promise<void> {
  for (const deadlineMs = Date.now() + FAILOVER_MS; Date.now() < deadlineMs;) {
    const now = await topology.masterOfShard(shard).catch(() => undefined);
    if (now !== undefined && now !== master) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * The replica of one master is dead while the master goes on; then the master dies, and the replica comes back and is
 * promoted with what it had. What was written in between is gone for good: none of it may have been acknowledged where
 * replication was asked for.
 */
export async function failOverToStale(
  fault: Extract<Fault, { kind: "stale-failover" }>,
  targets: FaultTargets,
  busy: Set<string>,
): Promise<BegunFault> {
  const { topology } = targets;
  if (topology.kind !== "C" || !(await targets.whole())) return skip("the topology is no whole Cluster");
  const master = choose(await topology.masters(), fault.pick, busy);
  const replica = master && (await replicaOf(master, topology.nodes));
  if (master === undefined || replica === undefined) return skip("all are busy");
  const shards = await shardsOf(master, topology);
  const atMs = Date.now();
  await replica.kill();
  return {
    atMs,
    target: master.name,
    skipped: undefined,
    shards,
    heal: async () => {
      await new Promise((resolve) => setTimeout(resolve, fault.forMs));
      await master.kill();
      await replica.restart();
      await untilReplaced(master, shards[0] ?? 0, targets);
      await master.restart();
      await targets.whole();
    },
  };
}
