import { setTimeout as sleep } from "node:timers/promises";

import type { CampaignOptions } from "../campaign/campaign-options.js";
import { checkCampaign, readUsage } from "../campaign/check-campaign.js";
import { createPortPicker, untilQuiet } from "../campaign/run-campaign.js";
import { startWorld, type World } from "../campaign/start-world.js";
import { createApiClient } from "../client/api-client.js";
import { type Clients, createClients } from "../client/run-clients.js";
import type { InjectedFault } from "../nemesis/nemesis.js";
import type { Patch } from "../roles/copy-programs.js";
import type { TopologyKind } from "../topology/topology.js";
import { judgeWedgeWorld } from "./judge-wedge.js";
import { listLoops, watchProgress } from "./watch-progress.js";
import type { WedgeFault } from "./wedge-fault.js";
import type { WedgeRound, WedgeWorldResult } from "./wedge-result.js";

/** One world with light load, to which faults are done one after the other. */
export interface WedgeWorldOptions {
  readonly topology: TopologyKind;
  readonly seed: string;
  readonly world: number;
  /** In this order. */
  readonly faults: readonly WedgeFault[];
  readonly holdMs: number;
  readonly patches?: readonly Patch[];
  /** How long it is looked for progress after a heal. @defaultValue 20,000 ms */
  readonly lookMs?: number;
  /** Gets data, programs and logs; must be empty. */
  readonly dir: string;
  readonly say: (line: string) => void;
  readonly onRound: (round: WedgeRound) => void;
}

const COUNTS = { api: 1, batcher: 2, "gpu-worker": 2 } as const;
const BASE_TASKS = 60;
const PER_SECOND = 20;
/** While nothing can be accepted: enough to see that it is refused. */
const HELD_PER_SECOND = 4;
/** What is not there by then is called wedged; looked for so much longer than is allowed, to tell late from never. */
const LOOK_MS = 20_000;
const QUIET_MS = 60_000;
const WEDGED_QUIET_MS = 2_000;

/** @throws Error if the world does not come up. */
export async function runWedgeWorld(options: WedgeWorldOptions): Promise<WedgeWorldResult> {
  const startMs = Date.now();
  const campaign = campaignOf(options);
  const world = await startWorld(campaign);
  const api = createApiClient(createPortPicker(options.seed, world));
  let over = false;
  const clients = createClients(options.seed, { api, now: Date.now, sleep, isOver: () => over });
  try {
    await clients.submit(BASE_TASKS, 3 * PER_SECOND);
    await untilQuiet(world, clients, QUIET_MS);
    const usageBefore = await readUsage(world.fleet);
    const baseExecutions = world.oracle.executions();
    const injected: InjectedFault[] = [];
    const rounds: WedgeRound[] = [];
    for (const fault of options.faults) {
      const round = await doRound(fault, { options, world, clients, injected });
      rounds.push(round);
      options.onRound(round);
    }
    const healedMs = Date.now();
    const isWedged = rounds.at(-1)?.loops.some(({ afterMs }) => afterMs === undefined) ?? false;
    const quiet = await untilQuiet(world, clients, isWedged ? WEDGED_QUIET_MS : QUIET_MS);
    // Whoever is wedged now answers nobody: there is nothing to wait for.
    over = isWedged;
    const quietAfterMs = quiet ? Date.now() - healedMs : undefined;
    await clients.readAllAgain();
    over = true;
    api.close();
    const end = { options: campaign, world, clients, injected, usageBefore, baseExecutions, quietAfterMs, startMs };
    const result = await checkCampaign(end);
    // Of a world that is wedged nothing was awaited or read again: only that is told.
    const judged = isWedged ? { usage: [], violations: [] } : result;
    return { rounds, campaign: result, broken: judgeWedgeWorld(rounds, judged) };
  } finally {
    over = true;
    api.close();
    await world.stop();
  }
}

/** On every topology the api has connections of its own for confirmed writes. */
function campaignOf({ topology, seed, world, dir, say, patches }: WedgeWorldOptions): CampaignOptions {
  const single = topology === "S";
  return {
    topology,
    seed: `${seed}-${world}`,
    tasks: 0,
    kills: 0,
    counts: COUNTS,
    dir,
    say,
    env: single ? { DURABILITY: "fsync" } : {},
    ...(single ? { redisConfig: { appendfsync: "always" } } : {}),
    ...(patches ? { patches } : {}),
  };
}

interface RoundDeps {
  readonly options: WedgeWorldOptions;
  readonly world: World;
  readonly clients: Clients;
  readonly injected: InjectedFault[];
}

/** Does a fault once under load, and watches how everybody comes back. */
async function doRound(fault: WedgeFault, { options, world, clients, injected }: RoundDeps): Promise<WedgeRound> {
  const loops = await listLoops(world.fleet);
  const atMs = Date.now();
  let healedMs = Infinity;
  let watching = true;
  const load = (async () => {
    const held = fault.goesOn ? PER_SECOND : HELD_PER_SECOND;
    // Cuts of chosen requests need somebody who makes them.
    if (!fault.name.startsWith("reply cut")) await clients.submit(Infinity, held, () => healedMs < Infinity);
    await clients.submit(Infinity, PER_SECOND, () => !watching);
  })();
  await fault.run(world, options);
  healedMs = Date.now();
  const limitMs = options.lookMs ?? LOOK_MS;
  const [progress, flowMs] = await Promise.all([
    watchProgress(world.fleet, loops, { healedMs, limitMs }),
    untilFlowing(clients, healedMs, limitMs),
  ]);
  watching = false;
  await load;
  injected.push(...explain(fault.name, atMs, healedMs));
  const endedMeanwhile = clients.entries.filter(({ endedMs = 0 }) => endedMs > atMs && endedMs <= healedMs).length;
  const { topology, world: index } = options;
  const lastedMs = healedMs - atMs;
  return { fault: fault.name, topology, world: index, lastedMs, loops: progress, flowMs, endedMeanwhile };
}

/** Until a task has its result that was submitted after the heal. */
async function untilFlowing(clients: Clients, healedMs: number, limitMs: number): Promise<number | undefined> {
  while (Date.now() < healedMs + limitMs) {
    const ends = clients.entries.flatMap(({ submittedMs, endedMs, first }) =>
      submittedMs > healedMs && endedMs !== undefined && first?.state === "SUCCESS" ? [endedMs] : [],
    );
    if (ends.length > 0) return Math.min(...ends) - healedMs;
    await sleep(50);
  }
  return undefined;
}

/** What such a fault may make run again: whatever all workers have in their hands, both towards Redis and the oracle. */
function explain(name: string, atMs: number, healedMs: number): InjectedFault[] {
  const base = { name, alone: false, atMs, skipped: undefined, healedMs, shards: [] };
  const link = { kind: "link", pick: 0, fault: { kind: "reset" }, forMs: healedMs - atMs } as const;
  return [
    { ...base, target: "redis: all", fault: { ...link, group: "redis" } },
    ...Array.from({ length: COUNTS["gpu-worker"] }, (_, index): InjectedFault => ({
      ...base,
      target: `gpu-worker-${index + 1}>oracle`,
      fault: { ...link, group: "oracle" },
    })),
  ];
}
