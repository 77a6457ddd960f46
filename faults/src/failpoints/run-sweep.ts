import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { Role } from "@sluice/stack";

import { type CampaignOptions } from "../campaign/campaign-options.js";
import { checkCampaign, readUsage } from "../campaign/check-campaign.js";
import { createPortPicker, untilQuiet } from "../campaign/run-campaign.js";
import { startWorld, type World } from "../campaign/start-world.js";
import { logAnswers } from "../client/answer-log.js";
import { createApiClient } from "../client/api-client.js";
import { type Clients, createClients } from "../client/run-clients.js";
import type { Patch } from "../roles/copy-programs.js";
import type { TopologyKind } from "../topology/topology.js";
import { PROGRESS_LIMIT_MS } from "../wedge/judge-wedge.js";
import { listLoops, watchProgress } from "../wedge/watch-progress.js";
import { listScripts } from "./agent/script-names.js";
import type { ConductorEvents } from "./conduct-member.js";
import { createCrew, type Crew } from "./crew.js";
import { faultsDone, judgeSweep, pointResults, type SweepNotes, uncalledScripts } from "./judge-sweep.js";
import { stirWorld } from "./stir-world.js";
import { sweepPoints } from "./sweep-points.js";
import type { SweepResult } from "./sweep-result.js";
import { planSweepTask, SWEEP_PATCHES, SWEEP_SETTINGS } from "./sweep-world.js";
import { tracePoints } from "./trace-points.js";
import { untilBlobsGone } from "./until-blobs-gone.js";

/** One sweep on one topology. */
export interface SweepOptions {
  readonly topology: TopologyKind;
  readonly seed: string;
  /** How often each point gets its turn. */
  readonly seeds: number;
  /** Only points whose names contain this; all if empty. */
  readonly only: string;
  /** @defaultValue 3 of each role */
  readonly counts?: Readonly<Record<Role, number>>;
  /** Tasks a second. @defaultValue 40 */
  readonly perSecond?: number;
  /** How long points are looked for. @defaultValue 12,000 ms */
  readonly traceMs?: number;
  /** Deliberate breaks. */
  readonly patches?: readonly Patch[];
  /** How long everything may take to calm down. @defaultValue 90,000 ms */
  readonly quietMs?: number;
  /** Gets data, programs and logs; must be empty. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

const COUNTS = { api: 3, batcher: 3, "gpu-worker": 3 } as const;
const BASE_TASKS = 80;
const BASE_PER_SECOND = 40;
const PER_SECOND = 40;
const TRACE_MS = 12_000;
const QUIET_MS = 90_000;
/** A process that was stopped as the last one, and a start after that. */
const ALL_BACK_MS = 60_000;

/** What a sweep is done with. */
interface Stage {
  readonly crew: Crew;
  readonly world: World;
  readonly clients: Clients;
  readonly notes: SweepNotes;
  /** When everything was up; monotonic. */
  readonly readyMs: number;
}

/**
 * Finds all points between two effects of any role, lets every process die or stop at one after the other while
 * clients go on, and then checks every invariant.
 * @throws Error if the world does not come up; what goes wrong afterwards is in the result.
 */
export async function runSweep(options: SweepOptions): Promise<SweepResult> {
  const startMs = Date.now();
  const crew = createCrew(join(options.dir, "failpoints"));
  const campaign = campaignOf(options, crew);
  const world = await startWorld(campaign);
  const readyMs = performance.now();
  const api = logAnswers(createApiClient(createPortPicker(options.seed, world)));
  let over = false;
  const end = (): void => {
    over = true;
    api.close();
  };
  const deps = { api, now: Date.now, sleep, isOver: () => over };
  const clients = createClients(options.seed, deps, planSweepTask);
  const notes: SweepNotes = { reached: [], killed: [], oracleKilledMs: [], blamed: [] };
  const stage: Stage = { crew, world, clients, notes, readyMs };
  try {
    crew.man(world.fleet, notesTo(notes, options.say));
    await clients.submit(BASE_TASKS, BASE_PER_SECOND);
    await untilQuiet(world, clients, QUIET_MS);
    const before = { usageBefore: await readUsage(world.fleet), baseExecutions: world.oracle.executions() };
    const planned = await underLoad(clients, options.perSecond ?? PER_SECOND, () => sweep(options, stage));
    const { quietAfterMs, ...left } = await calmDown(options, stage);
    end();
    const injected = faultsDone(notes);
    const result = await checkCampaign({
      ...{ options: campaign, world, clients, injected, quietAfterMs, startMs },
      ...before,
    });
    const points = pointResults(crew.hits(), planned, notes.reached);
    const scripts = await listScripts(join(options.dir, "programs"));
    return {
      seeds: options.seeds,
      points,
      reached: notes.reached,
      otherKills: notes.killed.length,
      uncalledScripts: uncalledScripts(scripts, crew.hits()),
      campaign: result,
      broken: judgeSweep({ notes, campaign: result, entries: clients.entries, answers: api.answers, points, ...left }),
    };
  } finally {
    end();
    crew.stop();
    await world.stop();
  }
}

function notesTo({ reached, killed, blamed }: SweepNotes, say: SweepOptions["say"]): ConductorEvents {
  return {
    reached: (point) => reached.push(point),
    killed: (member, atMs) => killed.push({ member, atMs }),
    blame(line) {
      blamed.push(line);
      say(line);
    },
  };
}

/** @returns how many trials of each point there were. */
async function sweep(options: SweepOptions, stage: Stage): Promise<ReadonlyMap<string, number>> {
  const { crew, world, notes, readyMs } = stage;
  const stirring = stirWorld(world, (atMs) => notes.oracleKilledMs.push(atMs));
  try {
    const traced = await tracePoints(crew, { traceMs: options.traceMs ?? TRACE_MS, readyMs });
    options.say(`${traced.length} points found`);
    const planned = await sweepPoints(crew, traced, { ...options, reachedCount: () => notes.reached.length });
    notes.blamed.push(...(await untilAllBack(crew)));
    return planned;
  } finally {
    await stirring.stop();
  }
}

/** No more faults: everybody goes on, everything ends, and nothing is left. */
async function calmDown({ dir, say, quietMs }: SweepOptions, { world, clients }: Stage) {
  const healedMs = Date.now();
  const limits = { healedMs, limitMs: PROGRESS_LIMIT_MS };
  const loops = await watchProgress(world.fleet, await listLoops(world.fleet), limits);
  const quiet = await untilQuiet(world, clients, quietMs ?? QUIET_MS);
  const quietAfterMs = quiet ? Date.now() - healedMs : undefined;
  say(quiet ? `quiet after ${quietAfterMs} ms; reading everything again` : "not quiet: work is left");
  await clients.readAllAgain();
  return { loops, quietAfterMs, blobsLeft: await untilBlobsGone(join(dir, "blobs")) };
}

function campaignOf(
  { topology, seed, dir, say, counts = COUNTS, patches = [] }: SweepOptions,
  crew: Crew,
): CampaignOptions {
  return {
    ...{ topology, seed, dir, say, counts, tasks: 0, kills: 0 },
    settings: SWEEP_SETTINGS,
    patches: [...SWEEP_PATCHES, ...patches],
    envOf: (name) => crew.envOf(name),
    isPlannedExit: (exit) => crew.isPlannedExit(exit),
  };
}

async function underLoad<Result>(clients: Clients, perSecond: number, work: () => Promise<Result>): Promise<Result> {
  let over = false;
  const load = clients.submit(Infinity, perSecond, () => over);
  try {
    return await work();
  } finally {
    over = true;
    await load;
  }
}

/** Until every process runs and nothing happens to it any more. @returns who does not. */
async function untilAllBack(crew: Crew): Promise<string[]> {
  for (const deadlineMs = performance.now() + ALL_BACK_MS; performance.now() < deadlineMs; await sleep(100)) {
    if (crew.conductors().every((conductor) => conductor.isIdle())) return [];
  }
  const missing = crew.conductors().filter((conductor) => !conductor.isIdle());
  return missing.map(({ member }) => `crash: ${member.name} does not run again`);
}
