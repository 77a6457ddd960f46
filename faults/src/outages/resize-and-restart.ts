import { acceptedBetween } from "../check/accepted-between.js";
import { countErrors } from "../check/error-counts.js";
import { moveSlot } from "../nemesis/cluster-faults.js";
import { restartServers } from "../nemesis/restart-servers.js";
import type { Topology } from "../topology/topology.js";
import { blameErrors, showRedirections } from "./blame-errors.js";
import { pause, type Stage } from "./stage.js";

/** The shard that is moved, and for how long it stays on the servers that were added. */
const SHARD = 0;
const GUEST_MS = 5_000;
/** Between two restarts. */
const BETWEEN_MS = 1_500;

/** A master and a replica are added, get a shard, give it back, and are removed. */
export async function growAndShrink(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const before = await countErrors(topology.nodes);
  const pair = await topology.addPair?.();
  const home = await topology.masterOfShard(SHARD);
  if (pair === undefined || home === undefined) throw new Error("only a Cluster can grow");
  stage.mayRepeat("a shard goes");
  await moveSlot(home, pair.master, SHARD);
  const fromMs = Date.now();
  await pause(GUEST_MS);
  if ((await topology.masterOfShard(SHARD)) !== pair.master) stage.blame("the shard did not move");
  const span = { fromMs, toMs: Date.now(), shards: [SHARD] };
  const accepted = acceptedBetween(stage.clients.entries, span).length;
  stage.show(`shard ${SHARD} was on ${pair.master.name} for ${GUEST_MS} ms, ${accepted} tasks accepted there`);
  if (accepted === 0) stage.blame("nothing was accepted on the server that was added");
  stage.mayRepeat("a shard comes back");
  await moveSlot(pair.master, home, SHARD);
  await pause(1_000);
  await pair.remove();
  if (!(await stage.whole())) stage.blame("the cluster is not whole without the pair");
  await showRedirections(stage, before);
  blameErrors(stage);
}

/** All servers are restarted, one after the other; masters change places with their replicas before. */
export async function restartAllServers(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const before = await runIdsOf(topology);
  const startMs = Date.now();
  for (const { name } of topology.nodes) stage.mayRepeat(`${name} restarted`);
  await restartServers(topology, async () => {
    await pause(BETWEEN_MS);
    return await stage.whole();
  });
  const kept = (await runIdsOf(topology)).filter((id) => before.includes(id)).length;
  stage.show(`${topology.nodes.length - kept} servers restarted in ${Date.now() - startMs} ms`);
  if (kept > 0) stage.blame(`${kept} servers were not restarted`);
  if (!(await stage.whole())) stage.blame("the cluster is not whole again");
  blameErrors(stage);
}

async function runIdsOf({ nodes }: Topology): Promise<(string | undefined)[]> {
  return Promise.all(nodes.map((node) => node.info("server", "run_id")));
}
