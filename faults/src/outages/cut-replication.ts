import { replicaOf } from "../nemesis/restart-servers.js";
import { cutReplication } from "../nemesis/separate.js";
import type { RedisNode } from "../topology/redis-node.js";
import { pause, type Stage, untilTrue } from "./stage.js";

/** Longer than an api tries to have an admission confirmed. */
const CUT_MS = 8_000;

/**
 * Only the replication of one master is cut; work goes on, then the master dies, and the replica takes its place with
 * what it has. At `replicated` nothing was accepted that the replica lacks; at `memory` much was, and is lost.
 */
export async function cutReplicationOnly(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const [master] = await topology.masters();
  const replica = master && (await replicaOf(master, topology.nodes));
  if (master === undefined || replica === undefined) throw new Error("there is no master with a replica");
  await pause(1_000);
  await stage.measure("replication cut, then the master dies", [master]);
  const mend = await cutReplication(master, replica);
  await pause(CUT_MS);
  const unconfirmed = stage.answers().filter(({ answer }) => answer === "503 durability-unconfirmed").length;
  const behind = (await offsetOf(master, "master_repl_offset")) - (await offsetOf(replica, "slave_repl_offset"));
  await master.kill();
  const promotedMs = await untilTrue(async () => (await replica.info("replication", "role")) === "master", 15_000);
  stage.show(`the replica lacked ${behind} bytes and was promoted after ${promotedMs} ms`);
  stage.show(`${unconfirmed} submissions were answered durability-unconfirmed before that`);
  if (behind <= 0) stage.blame("the replica lacked nothing: the cut did nothing");
  if (promotedMs === undefined) stage.blame("the replica was not promoted");
  await mend();
  await master.restart();
  if (!(await stage.whole())) stage.blame("the cluster is not whole again");
}

async function offsetOf(node: RedisNode, field: string): Promise<number> {
  return Number(await node.info("replication", field));
}
