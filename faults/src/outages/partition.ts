import { acceptedBetween } from "../check/accepted-between.js";
import type { RedisNode } from "../topology/redis-node.js";
import { replicaOf } from "../nemesis/restart-servers.js";
import { separate } from "../nemesis/separate.js";
import { pause, type Stage, untilTrue } from "./stage.js";

/** A loop that was cut off goes on by then. */
const RECOVERY_MS = 10_000;
const MINORITY_PER_SECOND = 8;

/**
 * One master and one api are parted from everybody else. The majority promotes the master's replica, while the old
 * master still runs: whatever the old one is told from then on is gone when the sides meet again.
 * @param holdMs for how long at least; several node timeouts (2 s).
 */
export function partition(holdMs: number): (stage: Stage) => Promise<void> {
  return (stage) => part(stage, holdMs);
}

async function part(stage: Stage, holdMs: number): Promise<void> {
  const { topology, fleet } = stage.world;
  const [api, ...others] = fleet.ofRole("api");
  const [old] = await topology.masters();
  const replica = old && (await replicaOf(old, topology.nodes));
  if (api === undefined || old === undefined || replica === undefined) throw new Error("there is nobody to part");
  stage.useApis(others);
  const minority = stage.clientsOf([api]);
  let over = false;
  const submitting = minority.submit(Infinity, MINORITY_PER_SECOND, () => over);
  await pause(2_000);
  await stage.measure("partition", [old]);
  const join = await separate(topology, { nodes: [old], processNames: [api.name] });
  const partedMs = Date.now();
  await watchSplit(stage, { old, replica, holdMs });
  const joinedMs = Date.now();
  await join();
  const accepted = (fromMs: number, toMs: number): number => acceptedBetween(minority.entries, { fromMs, toMs }).length;
  const recoveryMs = await untilTrue(() => accepted(joinedMs, Infinity) > 0, RECOVERY_MS);
  over = true;
  await submitting;
  const wrong = accepted(partedMs, joinedMs);
  const asked = minority.entries.filter(({ submittedMs }) => submittedMs > partedMs && submittedMs < joinedMs).length;
  stage.show(`the minority's api was asked ${asked} times and accepted ${wrong}; it accepts ${recoveryMs} ms after`);
  if (wrong > 0) stage.blame(`${wrong} tasks were accepted in the minority`);
  if (asked < MINORITY_PER_SECOND * 2) stage.blame("the minority's api was hardly asked");
  if (recoveryMs === undefined) stage.blame(`the minority's api accepts nothing ${RECOVERY_MS} ms after the sides met`);
  const followsMs = await untilTrue(() => follows(old), 15_000);
  if (followsMs === undefined) stage.blame("the old master does not follow the new one");
  if (!(await stage.whole())) stage.blame("the cluster is not whole again");
}

/** Until both sides have drawn their conclusions, and some more. */
async function watchSplit(
  stage: Stage,
  { old, replica, holdMs }: { readonly old: RedisNode; readonly replica: RedisNode; readonly holdMs: number },
): Promise<void> {
  const roleOf = (node: RedisNode) => node.info("replication", "role");
  const startMs = Date.now();
  const bothMs = await untilTrue(
    async () => (await roleOf(replica)) === "master" && (await roleOf(old)) === "master",
    15_000,
  );
  const failMs = await untilTrue(
    async () => (await old.command("CLUSTER", "INFO")).includes("cluster_state:fail"),
    15_000,
  );
  stage.show(`two masters after ${bothMs} ms, the old one stops by itself ${failMs} ms later`);
  if (bothMs === undefined) stage.blame("the majority promoted nobody");
  if (failMs === undefined) stage.blame("the old master did not notice that it is alone");
  await pause(Math.max(0, startMs + holdMs - Date.now()));
  if (!old.isRunning() || (await roleOf(old)) !== "master") stage.blame("the old master did not stay one");
}

async function follows(node: RedisNode): Promise<boolean> {
  const state = [await node.info("replication", "role"), await node.info("replication", "master_link_status")];
  return state.join() === "slave,up";
}
