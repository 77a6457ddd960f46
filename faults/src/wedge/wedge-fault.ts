import { setTimeout as sleep } from "node:timers/promises";

import type { World } from "../campaign/start-world.js";
import type { LinkFault } from "../proxy/link-fault.js";
import type { TcpLink } from "../proxy/tcp-link.js";
import type { TopologyKind } from "../topology/topology.js";
import { cutReplies } from "./cut-replies.js";
import { pauseSentinels } from "./pause-sentinels.js";

/** A fault that connections must survive. */
export interface WedgeFault {
  /** `black hole`. */
  readonly name: string;
  readonly topologies: readonly TopologyKind[];
  /** Tasks must end also while it lasts. */
  readonly goesOn: boolean;
  /** Does it once, to every connection there is, and resolves when it has healed. */
  run(world: World, options: RunOptions): Promise<void>;
}

/** How it is done. */
export interface RunOptions {
  /** How long a black hole lasts; outages last a third of it. */
  readonly holdMs: number;
  /** Holds the copied programs. */
  readonly dir: string;
}

const ALL = ["S", "R", "C"] as const;
const KILL_EVERY_MS = 200;
/** What takes several commands needs some luck meanwhile, above all on a Cluster. */
const LEAST_KILLING_MS = 10_000;
const RESETS = 5;

/**
 * Everything that is done to connections: those of apis, batchers and gpu-workers to Redis (commands, blocking reads,
 * subscriptions, confirmed writes) and of gpu-workers to the oracle. All of them are hit at once each time.
 */
export const WEDGE_FAULTS: readonly WedgeFault[] = [
  { name: "reply cut", topologies: ALL, goesOn: false, run: (world, { dir }) => cutReplies(world, dir) },
  onAllLinks("black hole", { kind: "black-hole" }, 1),
  onAllLinks("black hole, connections lost", { kind: "forget" }, 1),
  onAllLinks("outage", { kind: "refuse" }, 1 / 3),
  onAllLinks("half-open", { kind: "half-open" }, 1 / 3),
  { name: "resets", topologies: ALL, goesOn: false, run: (world) => resetAll(world) },
  { name: "Sentinels silent", topologies: ["R"], goesOn: false, run: silenceSentinels },
  { name: "CLIENT KILL", topologies: ALL, goesOn: true, run: killClients },
];

/** Every link of a world but those of clients: on S one for each process, else one for each server. */
export function allLinks({ topology, fleet }: World): TcpLink[] {
  return [...topology.links(), ...fleet.ofRole("gpu-worker").flatMap(({ link }) => link ?? [])];
}

function onAllLinks(name: string, fault: LinkFault, holds: number): WedgeFault {
  const run = async (world: World, { holdMs }: RunOptions): Promise<void> => {
    const links = allLinks(world);
    await Promise.all(links.map((link) => link.setFault(fault)));
    await sleep(holds * holdMs);
    await Promise.all(links.map((link) => link.setFault(undefined)));
  };
  return { name, topologies: ALL, goesOn: false, run };
}

/** Resets everything again and again, also what is just connecting. */
async function resetAll(world: World): Promise<void> {
  for (let times = 0; times < RESETS; times++) {
    await Promise.all(allLinks(world).map((link) => link.setFault({ kind: "reset" })));
    await sleep(150);
  }
}

/** Nobody says who the master is, just when everybody has to ask. */
async function silenceSentinels(world: World, { holdMs }: RunOptions): Promise<void> {
  const wake = await pauseSentinels(world.topology);
  try {
    await resetAll(world);
    await sleep(holdMs / 3);
  } finally {
    wake();
  }
}

async function killClients({ topology }: World, { holdMs }: RunOptions): Promise<void> {
  for (const endMs = Date.now() + Math.max(LEAST_KILLING_MS, holdMs / 3); Date.now() < endMs;) {
    for (const node of topology.nodes) {
      await node.command("CLIENT", "KILL", "TYPE", "normal").catch(() => undefined);
      await node.command("CLIENT", "KILL", "TYPE", "pubsub").catch(() => undefined);
    }
    await sleep(KILL_EVERY_MS);
  }
}
