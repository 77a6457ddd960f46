import { acceptedBetween } from "../check/accepted-between.js";
import type { RedisNode } from "../topology/redis-node.js";
import { pause, type Stage, untilTrue } from "./stage.js";

const ASLEEP_MS = 30_000;
/** Sentinels correct an old master that is back some ten seconds later. */
const CORRECTED_MS = 40_000;

/**
 * The master stops for half a minute (SIGSTOP), another one is promoted, and the old one wakes up: still a master, with
 * commands that have waited. Whatever it carries out then is thrown away when it becomes a replica.
 */
export async function sleepingMaster(stage: Stage): Promise<void> {
  const { topology } = stage.world;
  const [old] = await topology.masters();
  if (old === undefined) throw new Error("there is no master");
  const others = topology.nodes.filter((node) => node !== old);
  await pause(2_000);
  const before = await commandsOf(old);
  await stage.measure("the master asleep", [old]);
  const fromMs = Date.now();
  old.signal("SIGSTOP");
  let next: RedisNode | undefined;
  const promotedMs = await untilTrue(async () => (next = await masterAmong(others)) !== undefined, 20_000);
  await pause(fromMs + ASLEEP_MS - Date.now());
  const accepted = acceptedBetween(stage.clients.entries, { fromMs, toMs: Date.now() }).length;
  old.signal("SIGCONT");
  const wokenMs = Date.now();
  const wasMaster = (await old.info("replication", "role")) === "master";
  const carriedOut = (await commandsOf(old)) - before;
  const correctedMs = await untilTrue(() => follows(old), CORRECTED_MS);
  stage.show(
    `${next?.name} was promoted after ${promotedMs} ms; ${accepted} tasks accepted while ${old.name} was asleep`,
  );
  stage.show(`it woke up as a ${wasMaster ? "master" : "replica"}, and follows ${correctedMs} ms after`);
  stage.show(`it carried out ${carriedOut} scripts that had waited, and refused ${await readOnlyOf(old)} as a replica`);
  if (promotedMs === undefined) stage.blame("nobody was promoted");
  if (!wasMaster) stage.blame("it did not wake up as a master: nobody could take it for one");
  if (accepted < ASLEEP_MS / 100) stage.blame("hardly anything was accepted meanwhile");
  if (correctedMs === undefined) stage.blame("the old master does not follow the new one");
  const late = acceptedBetween(stage.clients.entries, { fromMs: wokenMs, toMs: Date.now() }).length;
  stage.show(`${late} tasks accepted between its waking and its following`);
  if (!(await stage.whole())) stage.blame("not all follow one master again");
}

async function masterAmong(nodes: readonly RedisNode[]): Promise<RedisNode | undefined> {
  for (const node of nodes) if ((await node.info("replication", "role")) === "master") return node;
  return undefined;
}

async function follows(node: RedisNode): Promise<boolean> {
  const state = [await node.info("replication", "role"), await node.info("replication", "master_link_status")];
  return state.join() === "slave,up";
}

/** Scripts that a server has carried out since it was started. */
async function commandsOf(node: RedisNode): Promise<number> {
  const text = await node.command("INFO", "commandstats");
  return [...text.matchAll(/^cmdstat_evalsha\w*:calls=(\d+)/gm)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

async function readOnlyOf(node: RedisNode): Promise<number> {
  return Number(/errorstat_READONLY:count=(\d+)/.exec(await node.command("INFO", "errorstats"))?.[1] ?? 0);
}
