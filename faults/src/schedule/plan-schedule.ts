import { LINK_FAULT_KINDS, type LinkFault } from "../proxy/link-fault.js";
import { createRandom, type Random } from "../random.js";
import type { TopologyKind } from "../topology/topology.js";
import type { Fault, LinkGroup, ScheduledFault } from "./fault.js";

/** After a fault whose recovery is measured nothing else happens for so long. */
export const ALONE_MS = 10_000;
/** Longer than a shard's lease (5 s), a slot's silence (3 s) and the lease of a run that campaigns set (6 s). */
const LONG_PAUSE_MS = 8_000;

/** What a schedule is made from. */
export interface ScheduleOptions {
  readonly seed: string;
  readonly topology: TopologyKind;
  /** How many processes are killed. Other faults come in between, about one for each. */
  readonly kills: number;
  /** One kill in so many is alone, so that its recovery can be measured. */
  readonly aloneEvery: number;
}

/** The faults of a campaign, in order. Equal options give equal schedules. */
export function planSchedule({ seed, topology, kills, aloneEvery }: ScheduleOptions): ScheduledFault[] {
  const random = createRandom(`${seed}/schedule/${topology}`);
  const steps: ScheduledFault[] = [];
  for (let kill = 0; kill < kills; kill++) {
    const alone = kill % aloneEvery === aloneEvery - 1;
    steps.push({ waitMs: random.between(200, 2_000), fault: drawKill(random, topology, alone), alone });
    if (alone) steps.push({ waitMs: ALONE_MS, fault: drawOther(random, topology), alone: false });
    else if (random.chance(0.9)) {
      steps.push({ waitMs: random.between(100, 1_200), fault: drawOther(random, topology), alone: false });
    }
  }
  return steps;
}

function drawKill(random: Random, topology: TopologyKind, alone: boolean): Fault {
  const pick = random.between(0, 999);
  const downMs = random.between(50, 3_000);
  const draw = random.next();
  if (draw < 0.28) return { kind: "kill-role", role: "gpu-worker", pick, downMs };
  if (draw < 0.51) return { kind: "kill-role", role: "batcher", pick, downMs };
  if (draw < 0.64) return { kind: "kill-role", role: "api", pick, downMs };
  if (draw < 0.7) return drawCutDrain(random, pick);
  if (draw < 0.8) return { kind: "kill-oracle", downMs: Math.min(downMs, 1_500) };
  if (topology !== "S" && draw < 0.84 && !alone) return { kind: "kill-replica", pick, downMs };
  // Where replicas confirm, nothing is taken before it is back: alone, it is measured with a supervisor that is quick.
  const longestMs = alone && topology !== "S" ? 250 : 1_000;
  return { kind: "kill-master", pick, downMs: Math.min(downMs, longestMs) };
}

/** A worker drains until its last pull has come back (up to 250 ms), an api for `DRAIN_MS` (1 s). */
function drawCutDrain(random: Random, pick: number): Fault {
  const role = random.pick(["api", "batcher", "gpu-worker"] as const);
  return { kind: "cut-drain", role, pick, graceMs: random.between(0, role === "api" ? 900 : 150) };
}

function drawOther(random: Random, topology: TopologyKind): Fault {
  const pick = random.between(0, 999);
  const draw = random.next();
  if (draw < 0.4) return drawLinkFault(random, pick);
  if (draw < 0.6) {
    const role = random.pick(["api", "batcher", "gpu-worker"] as const);
    // Half of them longer than any lease: whoever wakes up then is a zombie.
    return { kind: "pause-role", role, pick, forMs: random.chance(0.5) ? LONG_PAUSE_MS : random.between(200, 3_000) };
  }
  if (draw < 0.66) return { kind: "pause-oracle", forMs: random.between(200, 4_000) };
  if (draw < 0.74) return { kind: "client-kill", pick };
  if (draw < 0.82) return { kind: "script-flush", pick };
  if (draw < 0.88) return { kind: "memory-limit", pick, forMs: random.between(500, 3_000) };
  // Short enough not to be taken for dead: a master that wakes up as a stale one is another matter.
  if (draw < 0.92 || topology !== "C") return { kind: "pause-redis", pick, forMs: random.between(100, 700) };
  return draw < 0.96 ? { kind: "cluster-failover", pick } : { kind: "migrate-slot", pick };
}

function drawLinkFault(random: Random, pick: number): Fault {
  const group: LinkGroup = random.pick(["redis", "redis", "oracle", "api"]);
  const fault = drawLinkKind(random);
  return { kind: "link", group, pick, fault, forMs: random.between(200, 5_000) };
}

function drawLinkKind(random: Random): LinkFault {
  const kind = random.pick(LINK_FAULT_KINDS);
  switch (kind) {
    case "delay":
      return { kind, delayMs: random.between(5, 400) };
    case "cut-after":
      return { kind, bytes: random.between(1, 20_000) };
    default:
      return { kind };
  }
}
