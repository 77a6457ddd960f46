import { SHARD_COUNT } from "@sluice/broker";

import { acceptedBetween } from "../check/accepted-between.js";
import { shardsOf } from "../nemesis/cluster-faults.js";
import { replicaOf } from "../nemesis/restart-servers.js";
import type { RedisNode } from "../topology/redis-node.js";
import { pause, type Stage, untilTrue } from "./stage.js";

const LOST_MS = 60_000;
const ONE_LOST_MS = 8_000;
/** What was confirmed before may be answered so much later. */
const LATE_MS = 500;
const RECOVERY_MS = 10_000;
const ALL_SHARDS = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);

/**
 * The replica of one master of a Cluster is away for a minute. What its master is given meanwhile nobody can confirm;
 * the other masters accept as ever, and workers go on with everything.
 */
export async function loseReplica(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const [master] = await topology.masters();
  const replica = master && (await replicaOf(master, topology.nodes));
  if (master === undefined || replica === undefined) throw new Error("there is no master with a replica");
  const unconfirmed = await shardsOf(master, topology);
  await pause(1_000);
  await withoutServers(stage, [replica], { lostMs: LOST_MS, unconfirmed });
  if (!(await stage.whole())) stage.blame("the cluster is not whole again");
}

/** The replicas of a master that Sentinels watch: with one of two nothing changes, with none nothing can be accepted. */
export async function loseReplicas(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const masters = await topology.masters();
  const replicas = topology.nodes.filter((node) => !masters.includes(node));
  await pause(1_000);
  await withoutServers(stage, replicas.slice(0, 1), { lostMs: ONE_LOST_MS, unconfirmed: [] });
  await stage.whole();
  await withoutServers(stage, replicas, { lostMs: LOST_MS, unconfirmed: ALL_SHARDS });
  if (!(await stage.whole())) stage.blame("the replicas do not follow again");
}

/** For how long servers are away, and of which shards nothing can be accepted meanwhile; of all others it must be. */
interface Absence {
  readonly lostMs: number;
  readonly unconfirmed: readonly number[];
}

async function withoutServers(stage: Stage, servers: readonly RedisNode[], absence: Absence): Promise<void> {
  const what = servers.map(({ name }) => name).join(" and ");
  for (const server of servers) await server.kill();
  stage.mayRepeat(`${what} away`);
  const fromMs = Date.now();
  const before = stage.world.oracle.executions().length;
  await pause(absence.lostMs);
  const batches = stage.world.oracle.executions().length - before;
  if (servers.some((server) => server.isRunning())) stage.blame(`${what} did not stay away`);
  stage.show(`${what} away for ${absence.lostMs} ms: workers ran ${batches} batches`);
  if (batches < absence.lostMs / 1_000) stage.blame("workers did not go on");
  judgeAdmissions(stage, fromMs, absence);
  for (const server of servers) await server.restart();
  await judgeRecovery(stage, absence);
}

function judgeAdmissions(stage: Stage, startMs: number, { lostMs, unconfirmed }: Absence): void {
  const { entries } = stage.clients;
  const span = { fromMs: startMs + LATE_MS, toMs: startMs + lostMs };
  const there = acceptedBetween(entries, { ...span, shards: unconfirmed }).length;
  const elsewhere = acceptedBetween(entries, span).length - there;
  const submissions = stage
    .answers()
    .filter(({ request, atMs }) => request === "submit" && atMs > span.fromMs && atMs < span.toMs);
  const refused = submissions.filter(({ answer }) => answer === "503 durability-unconfirmed").length;
  const where = unconfirmed.length === 0 ? "none" : unconfirmed.join();
  stage.show(`accepted: ${there} on the shards that nobody confirms (${where}), ${elsewhere} elsewhere`);
  stage.show(`${refused} of ${submissions.length} submissions were answered durability-unconfirmed`);
  if (there > 0) stage.blame(`${there} tasks were accepted that nobody can have confirmed`);
  if (unconfirmed.length > 0 && refused === 0) stage.blame("nobody was told durability-unconfirmed");
  if (unconfirmed.length < SHARD_COUNT && elsewhere < lostMs / 100) stage.blame("hardly anything else was accepted");
}

async function judgeRecovery(stage: Stage, { unconfirmed }: Absence): Promise<void> {
  if (unconfirmed.length === 0) return;
  const span = { fromMs: Date.now(), toMs: Infinity, shards: unconfirmed };
  const recoveryMs = await untilTrue(() => acceptedBetween(stage.clients.entries, span).length > 0, RECOVERY_MS);
  stage.show(`accepted there again ${recoveryMs} ms after they were back`);
  if (recoveryMs === undefined) stage.blame("nothing is accepted there again");
}
