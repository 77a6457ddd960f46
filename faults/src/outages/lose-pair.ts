import { keys } from "@sluice/broker";

import { acceptedBetween, shardOf } from "../check/accepted-between.js";
import type { LedgerEntry } from "../client/ledger.js";
import { shardsOf } from "../nemesis/cluster-faults.js";
import { replicaOf } from "../nemesis/restart-servers.js";
import { ORACLE_MODEL } from "../oracle/oracle-model.js";
import type { RedisNode } from "../topology/redis-node.js";
import type { Topology } from "../topology/topology.js";
import { pause, type Stage, untilTrue } from "./stage.js";

const LOST_MS = 30_000;
/** Long enough for work to pile up before both die. */
const ORACLE_PAUSE_MS = 1_000;
/** What was under way may be answered so much later. */
const LATE_MS = 500;
const RECOVERY_MS = 20_000;

/** A master and its replica that hold some shards, and nothing that all shards need, are away for half a minute. */
export async function losePair(stage: Stage): Promise<void> {
  const holder = await holderOfPool(stage.world.topology);
  const master = (await stage.world.topology.masters()).find((node) => node !== holder);
  const { accepted, ended } = await withoutPair(stage, master);
  if (accepted < LOST_MS / 100) stage.blame("the other shards hardly accepted anything");
  if (ended < LOST_MS / 100) stage.blame("the other shards hardly finished anything");
}

/** The master and the replica that hold the pool's batches are away: nothing is run, and nothing is lost. */
export async function losePoolPair(stage: Stage): Promise<void> {
  await withoutPair(stage, await holderOfPool(stage.world.topology));
}

/** @returns what happened on the other shards meanwhile. */
async function withoutPair(
  stage: Stage,
  master: RedisNode | undefined,
): Promise<{ readonly accepted: number; readonly ended: number }> {
  const { topology, oracle } = stage.world;
  const replica = master && (await replicaOf(master, topology.nodes));
  if (master === undefined || replica === undefined) throw new Error("there is no master with a replica");
  const shards = await shardsOf(master, topology);
  await pause(1_000);
  oracle.signal("SIGSTOP");
  await pause(ORACLE_PAUSE_MS);
  await stage.measure("a pair away", [master]);
  const fromMs = Date.now();
  await Promise.all([master.kill(), replica.kill()]);
  oracle.signal("SIGCONT");
  const waiting = stage.clients.entries.filter(
    ({ taskId, endedMs }) => shards.includes(shardOf(taskId)) && endedMs === undefined,
  );
  await pause(LOST_MS);
  const found = await judgeAbsence(stage, fromMs, shards);
  const backMs = Date.now();
  await Promise.all([master.restart(), replica.restart()]);
  if (!(await stage.whole())) stage.blame("the cluster is not whole again");
  stage.show(`whole again ${Date.now() - backMs} ms after both were started`);
  await judgeWaiting(stage, waiting, backMs);
  return found;
}

async function judgeAbsence(
  stage: Stage,
  startMs: number,
  shards: readonly number[],
): Promise<{ readonly accepted: number; readonly ended: number }> {
  const { topology } = stage.world;
  const span = { fromMs: startMs + LATE_MS, toMs: Date.now() };
  const running = topology.nodes.find((node) => node.isRunning());
  const state = (await running?.command("CLUSTER", "INFO")) ?? "";
  const slots = Number(/cluster_slots_fail:(\d+)/.exec(state)?.[1]);
  const { entries } = stage.clients;
  const wrong = acceptedBetween(entries, { ...span, shards }).length;
  const accepted = acceptedBetween(entries, span).length - wrong;
  const ended = entries.filter(({ endedMs = 0 }) => endedMs > span.fromMs && endedMs < span.toMs).length;
  stage.show(`${slots} slots failed for ${LOST_MS} ms; meanwhile ${accepted} tasks accepted elsewhere, ${ended} ended`);
  if (!(slots > 0)) stage.blame("no slots failed");
  if (wrong > 0) stage.blame(`${wrong} tasks were accepted where no server is`);
  return { accepted, ended };
}

async function judgeWaiting(stage: Stage, waiting: readonly LedgerEntry[], backMs: number): Promise<void> {
  const accepted = waiting.filter(({ outcome }) => outcome === "ok");
  if (accepted.length === 0) stage.blame("no accepted task waited there");
  await untilTrue(() => accepted.every(({ endedMs }) => endedMs !== undefined), RECOVERY_MS);
  const lateMs = accepted.flatMap(({ endedMs }) => (endedMs === undefined ? [] : [endedMs - backMs]));
  const last = Math.max(...lateMs);
  stage.show(
    `${lateMs.length} of ${accepted.length} accepted tasks that waited there ended, the last ${last} ms after`,
  );
  if (lateMs.length < accepted.length) stage.blame(`not all of them ended within ${RECOVERY_MS} ms`);
}

async function holderOfPool(topology: Topology): Promise<RedisNode> {
  const stream = keys.notices(ORACLE_MODEL.pool, "now");
  for (const node of await topology.masters()) {
    const slot = await node.command("CLUSTER", "KEYSLOT", stream);
    if ((await node.command("CLUSTER", "COUNTKEYSINSLOT", slot)) !== "0") return node;
  }
  throw new Error("no master holds the pool's batches");
}
