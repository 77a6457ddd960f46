import { setTimeout as sleep } from "node:timers/promises";

import { keys, SHARD_COUNT } from "@sluice/broker";

import { type RedisNode, withNode } from "../topology/redis-node.js";
import type { Topology } from "../topology/topology.js";
import { type BegunFault, choose, type FaultTargets, skip } from "./begun-fault.js";

const MOST_TRIES = 40;
const AGAIN_AFTER_MS = 250;

/** The shards that a master holds now. */
export async function shardsOf(node: RedisNode, topology: Topology): Promise<number[]> {
  if (topology.kind !== "C") return Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
  const holders = await Promise.all(
    Array.from({ length: SHARD_COUNT }, (_, shard) => topology.masterOfShard(shard).catch(() => undefined)),
  );
  return holders.flatMap((holder, shard) => (holder === node ? [shard] : []));
}

/** Asks a replica of a Cluster to change places with its master (`CLUSTER FAILOVER`), which loses nothing. */
export async function failOver(pick: number, targets: FaultTargets, busy: Set<string>): Promise<BegunFault> {
  if (!(await targets.whole())) return skip("the topology is not whole");
  const masters = await targets.topology.masters();
  const replica = choose(
    targets.topology.nodes.filter((node) => !masters.includes(node)),
    pick,
    busy,
  );
  if (replica === undefined) return skip("all are busy");
  const atMs = Date.now();
  await replica.command("CLUSTER", "FAILOVER");
  const heal = async (): Promise<void> => {
    await targets.whole();
  };
  return { atMs, target: replica.name, skipped: undefined, shards: [], heal };
}

/**
 * Moves the slot of one shard to another master, key by key, while clients use it (ASK, TRYAGAIN, MOVED). Keys go in
 * pieces, so that the slot is half here and half there for a while.
 */
export async function migrateSlot(pick: number, targets: FaultTargets, busy: Set<string>): Promise<BegunFault> {
  const { topology } = targets;
  if (!(await targets.whole())) return skip("the topology is not whole");
  const shard = pick % SHARD_COUNT;
  const from = await topology.masterOfShard(shard);
  const to = choose(
    (await topology.masters()).filter((node) => node !== from),
    pick,
    busy,
  );
  if (from === undefined || to === undefined) return skip("all are busy");
  if (busy.has(from.name)) {
    busy.delete(to.name);
    return skip("its master is busy");
  }
  busy.add(from.name);
  const atMs = Date.now();
  const moving = moveSlot(from, to, shard).finally(() => busy.delete(from.name));
  // Whoever heals hears of it.
  moving.catch(() => undefined);
  return { atMs, target: to.name, skipped: undefined, shards: [shard], heal: () => moving };
}

/** Moves the slot of a shard with all its keys from one master to another. */
export async function moveSlot(from: RedisNode, to: RedisNode, shard: number): Promise<void> {
  const tell = (node: RedisNode, ...words: string[]) => persist(() => node.command("CLUSTER", ...words));
  const slot = await tell(from, "KEYSLOT", keys.owner(shard));
  const [fromId, toId] = [await tell(from, "MYID"), await tell(to, "MYID")];
  await tell(to, "SETSLOT", slot, "IMPORTING", fromId);
  await tell(from, "SETSLOT", slot, "MIGRATING", toId);
  await persist(() => moveKeys(from, to, slot));
  // The new owner first, as redis-cli does: nobody is sent to a node that does not know yet.
  await tell(to, "SETSLOT", slot, "NODE", toId);
  await tell(from, "SETSLOT", slot, "NODE", toId);
}

function moveKeys(from: RedisNode, to: RedisNode, slot: string): Promise<void> {
  return withNode(from, async (redis) => {
    for (;;) {
      const names = (await redis.call("CLUSTER", "GETKEYSINSLOT", slot, "200")) as string[];
      if (names.length === 0) return;
      await redis.call("MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...names);
      await sleep(20);
    }
  });
}

/** Again while it fails: other faults cut our own connections too. Each step may be repeated. */
async function persist<Result>(step: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
      await sleep(AGAIN_AFTER_MS);
    }
  }
}
