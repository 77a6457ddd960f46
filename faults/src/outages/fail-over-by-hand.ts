import { stepDown } from "../nemesis/restart-servers.js";
import type { Topology } from "../topology/topology.js";
import { blameErrors } from "./blame-errors.js";
import { pause, type Stage } from "./stage.js";

/** How often masters change places with their replicas. */
const FAILOVERS = 30;
const EVERY_MS = 1_500;

/** Masters change places with their replicas (`CLUSTER FAILOVER`), one after the other, every few seconds. */
export async function failOverByHand(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const before = await epochOf(topology);
  const tookMs: number[] = [];
  for (let index = 0; index < FAILOVERS; index++) {
    if (!(await stage.whole())) stage.blame(`the cluster is not whole after ${index} failovers`);
    const masters = await topology.masters();
    const master = masters[index % masters.length];
    if (master === undefined) throw new Error("there is no master");
    stage.mayRepeat("failover by hand");
    const startMs = Date.now();
    await stepDown(master, topology);
    tookMs.push(Date.now() - startMs);
    await pause(EVERY_MS);
  }
  const epochs = (await epochOf(topology)) - before;
  stage.show(`${tookMs.length} failovers in ${epochs} epochs, the slowest took ${Math.max(...tookMs)} ms`);
  if (epochs < FAILOVERS) stage.blame(`only ${epochs} epochs for ${FAILOVERS} failovers`);
  blameErrors(stage);
}

/** Each promotion takes a new one. */
async function epochOf({ nodes }: Topology): Promise<number> {
  const info = (await nodes[0]?.command("CLUSTER", "INFO")) ?? "";
  return Number(/cluster_current_epoch:(\d+)/.exec(info)?.[1]);
}
