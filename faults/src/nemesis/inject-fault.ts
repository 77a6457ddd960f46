import type { ManagedProcess } from "../managed-process.js";
import type { TcpLink } from "../proxy/tcp-link.js";
import type { Fault } from "../schedule/fault.js";
import { type RedisNode, withNode } from "../topology/redis-node.js";
import { type BegunFault, choose, type FaultTargets, skip } from "./begun-fault.js";
import { failOver, migrateSlot, shardsOf } from "./cluster-faults.js";
import { failOverToStale, killMaster } from "./kill-master.js";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Begins a fault. What it hits is `busy` until it has healed: a second fault on the same thing takes the next one, or
 * is skipped.
 */
export async function injectFault(fault: Fault, targets: FaultTargets, busy: Set<string>): Promise<BegunFault> {
  switch (fault.kind) {
    case "kill-role":
      return kill(choose(targets.fleet.ofRole(fault.role), fault.pick, busy), fault.downMs);
    case "cut-drain":
      return await cutDrain(choose(targets.fleet.ofRole(fault.role), fault.pick, busy), fault.graceMs);
    case "kill-oracle":
      return kill(choose([targets.oracle], 0, busy), fault.downMs);
    case "pause-role":
      return pause(choose(targets.fleet.ofRole(fault.role), fault.pick, busy), fault.forMs);
    case "pause-oracle":
      return pause(choose([targets.oracle], 0, busy), fault.forMs);
    case "pause-redis":
      return pause(choose(runningNodes(targets), fault.pick, busy), fault.forMs);
    case "link":
      return breakLink(choose(linksOf(fault.group, targets), fault.pick, busy), fault);
    case "kill-master":
      return await killMaster(fault, targets, busy);
    case "kill-replica":
      return await killReplica(fault, targets, busy);
    case "stale-failover":
      return await failOverToStale(fault, targets, busy);
    case "client-kill":
      return await command(fault.pick, targets, ["CLIENT", "KILL", "TYPE", "normal"]);
    case "script-flush":
      return await command(fault.pick, targets, ["SCRIPT", "FLUSH"]);
    case "destroy-groups":
      return await destroyGroups(fault.pick, targets);
    case "memory-limit":
      return await limitMemory(fault, targets, busy);
    case "cluster-failover":
      return await failOver(fault.pick, targets, busy);
    case "migrate-slot":
      return await migrateSlot(fault.pick, targets, busy);
  }
}

function begun(target: string, heal: () => Promise<void>, shards: readonly number[] = []): BegunFault {
  return { atMs: Date.now(), target, skipped: undefined, shards, heal };
}

async function kill(process: ManagedProcess | undefined, downMs: number): Promise<BegunFault> {
  if (process === undefined) return skip("all are busy");
  const fault = begun(process.name, async () => {
    await sleep(downMs);
    await process.restart();
  });
  await process.kill();
  return fault;
}

/** Done only if it was still draining at the end of the grace. */
async function cutDrain(process: ManagedProcess | undefined, graceMs: number): Promise<BegunFault> {
  if (process === undefined) return skip("all are busy");
  const fault = begun(process.name, () => process.restart());
  const exit = await process.terminate(graceMs);
  return exit.signal === "SIGKILL" ? fault : { ...fault, skipped: `it had drained within ${graceMs} ms` };
}

function pause(
  process: { readonly name: string; signal(signal: NodeJS.Signals): void } | undefined,
  forMs: number,
): BegunFault {
  if (process === undefined) return skip("all are busy");
  process.signal("SIGSTOP");
  return begun(process.name, async () => {
    await sleep(forMs);
    process.signal("SIGCONT");
  });
}

async function breakLink(
  link: TcpLink | undefined,
  { fault, forMs }: Extract<Fault, { kind: "link" }>,
): Promise<BegunFault> {
  if (link === undefined) return skip("all are busy");
  await link.setFault(fault);
  return begun(link.name, async () => {
    await sleep(forMs);
    await link.setFault(undefined);
  });
}

async function killReplica(
  fault: Extract<Fault, { kind: "kill-replica" }>,
  targets: FaultTargets,
  busy: Set<string>,
): Promise<BegunFault> {
  if (!(await targets.whole())) return skip("the topology is not whole");
  const masters = await targets.topology.masters();
  const replica = choose(
    targets.topology.nodes.filter((node) => !masters.includes(node)),
    fault.pick,
    busy,
  );
  if (replica === undefined) return skip("all are busy");
  const beginning = begun(replica.name, async () => {
    await sleep(fault.downMs);
    await replica.restart();
    await targets.whole();
  });
  await replica.kill();
  return beginning;
}

async function limitMemory(
  fault: Extract<Fault, { kind: "memory-limit" }>,
  targets: FaultTargets,
  busy: Set<string>,
): Promise<BegunFault> {
  const node = choose(await targets.topology.masters(), fault.pick, busy);
  if (node === undefined) return skip("all are busy");
  await node.command("CONFIG", "SET", "maxmemory", "1mb");
  const lift = async (): Promise<void> => {
    await sleep(fault.forMs);
    await node.command("CONFIG", "SET", "maxmemory", "0");
  };
  return begun(node.name, lift, await shardsOf(node, targets.topology));
}

async function command(pick: number, targets: FaultTargets, words: readonly string[]): Promise<BegunFault> {
  const nodes = runningNodes(targets);
  const node = nodes[pick % Math.max(1, nodes.length)];
  if (node === undefined) return skip("no server runs");
  try {
    await node.command(...words);
  } catch (error) {
    return skip(String(error));
  }
  // It holds nobody up: what it hit may be hit again at once.
  return { ...begun(node.name, async () => undefined), target: `${node.name} ` };
}

async function destroyGroups(pick: number, targets: FaultTargets): Promise<BegunFault> {
  const masters = await targets.topology.masters();
  const node = masters[pick % Math.max(1, masters.length)];
  if (node === undefined) return skip("no master runs");
  await withNode(node, async (redis) => {
    for (const stream of await redis.keys("sluice:*:ready:*")) await redis.xgroup("DESTROY", stream, "batchers");
  });
  return begun(`${node.name} groups`, async () => undefined);
}

function runningNodes({ topology }: FaultTargets): RedisNode[] {
  return topology.nodes.filter((node) => node.isRunning());
}

function linksOf(group: "redis" | "oracle" | "api", { topology, fleet }: FaultTargets): readonly TcpLink[] {
  if (group === "redis") return topology.links();
  return fleet.ofRole(group === "oracle" ? "gpu-worker" : "api").flatMap((member) => member.link ?? []);
}
