import { setTimeout as sleep } from "node:timers/promises";

import { isDrained } from "../check/inspect-redis.js";
import { createApiClient } from "../client/api-client.js";
import { type Clients, createClients } from "../client/run-clients.js";
import { createNemesis, type InjectedFault, type Nemesis } from "../nemesis/nemesis.js";
import { ORACLE_MODEL } from "../oracle/oracle-model.js";
import { createRandom } from "../random.js";
import { isKill, type ScheduledFault } from "../schedule/fault.js";
import { ALONE_MS, planSchedule } from "../schedule/plan-schedule.js";
import { waitUntilWhole } from "../topology/topology.js";
import type { CampaignOptions } from "./campaign-options.js";
import type { CampaignResult } from "./campaign-result.js";
import { checkCampaign, readUsage } from "./check-campaign.js";
import { startWorld, type World } from "./start-world.js";

/** Tasks that run before the first fault: they warm everything up, and none of them may run twice. */
const BASE_TASKS = 200;
const BASE_PER_SECOND = 100;
/** While faults are still to come, there is always some work. */
const LEAST_PER_SECOND = 20;
const SAY_EVERY_MS = 5_000;

/**
 * Runs one campaign: work without faults for a base, work under faults, everything heals, everything calms down, and
 * every invariant is checked.
 * @throws Error if the world does not come up; what goes wrong afterwards is a violation.
 */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const startMs = Date.now();
  const world = await startWorld(options);
  const api = createApiClient(createPortPicker(options.seed, world));
  let over = false;
  const clients = createClients(options.seed, { api, now: Date.now, sleep, isOver: () => over });
  try {
    await clients.submit(BASE_TASKS, BASE_PER_SECOND);
    await untilQuiet(world, clients, options.quietMs ?? 60_000);
    const usageBefore = await readUsage(world.fleet);
    const baseExecutions = world.oracle.executions();
    const nemesis = await torment(options, world, clients);
    const healedMs = Date.now();
    const quiet = await untilQuiet(world, clients, options.quietMs ?? 60_000);
    const quietAfterMs = quiet ? Date.now() - healedMs : undefined;
    options.say(quiet ? `quiet after ${quietAfterMs} ms; reading everything again` : "not quiet: work is left");
    await clients.readAllAgain();
    over = true;
    api.close();
    const injected = nemesis.injected;
    return await checkCampaign({
      options,
      world,
      clients,
      injected,
      usageBefore,
      baseExecutions,
      quietAfterMs,
      startMs,
    });
  } finally {
    over = true;
    api.close();
    await world.stop();
  }
}

/** The port of the link of an api, by chance. */
export function createPortPicker(seed: string, { fleet }: World): () => number {
  const random = createRandom(`${seed}/balancer`);
  const ports = fleet.ofRole("api").flatMap(({ link }) => link?.port ?? []);
  return () => random.pick(ports);
}

/** Work and faults at the same time. Resolves when all faults have healed. */
async function torment(options: CampaignOptions, world: World, clients: Clients): Promise<Nemesis> {
  const { topology, seed, kills, tasks, aloneEvery = 4, say } = options;
  const schedule = options.schedule ?? planSchedule({ seed, topology, kills, aloneEvery });
  const whole = async (): Promise<boolean> => {
    try {
      await waitUntilWhole(world.topology, 20_000);
      return true;
    } catch {
      return false;
    }
  };
  const nemesis = createNemesis({ ...world, whole });
  let tormenting = true;
  const faults = nemesis.run(schedule).then(async () => {
    await nemesis.heal();
    await whole();
    tormenting = false;
  });
  const timer = setInterval(() => say(progressLine(options, clients, nemesis.injected)), SAY_EVERY_MS);
  try {
    const perSecond = Math.min(
      options.maxPerSecond ?? 400,
      Math.max(LEAST_PER_SECOND, tasks / estimateSeconds(schedule)),
    );
    await clients.submit(Math.max(0, tasks - clients.entries.length), perSecond);
    await clients.submit(Infinity, LEAST_PER_SECOND, () => !tormenting);
    await faults;
  } finally {
    clearInterval(timer);
  }
  return nemesis;
}

/** About how long a schedule takes: waiting for wholeness before a kill that is alone is guessed. */
function estimateSeconds(schedule: readonly ScheduledFault[]): number {
  const waits = schedule.reduce((sum, { waitMs }) => sum + waitMs, 0);
  const alone = schedule.filter((step) => step.alone).length;
  return (waits + alone * (ALONE_MS / 2)) / 1_000 + 1;
}

function progressLine(
  { kills, topology }: CampaignOptions,
  clients: Clients,
  injected: readonly InjectedFault[],
): string {
  const ok = clients.entries.filter(({ outcome }) => outcome === "ok").length;
  const ended = clients.entries.filter(({ first }) => first !== undefined).length;
  const killed = injected.filter(({ fault, skipped }) => isKill(fault) && skipped === undefined).length;
  const last = injected.at(-1);
  const what = last === undefined ? "" : `; last: ${last.name} ${last.target ?? last.skipped ?? ""}`;
  const { length } = clients.entries;
  return `${topology}: ${length} submitted, ${ok} accepted, ${ended} ended; ${killed} of ${kills} kills${what}`;
}

/** Until every task has ended and Redis holds no work. @returns false if that takes longer than `limitMs`. */
export async function untilQuiet(world: World, clients: Clients, limitMs: number): Promise<boolean> {
  const deadlineMs = Date.now() + limitMs;
  for (;;) {
    const drained = clients.openCount() === 0 && (await isDrained(world.redis, ORACLE_MODEL).catch(() => false));
    if (drained) return true;
    if (Date.now() > deadlineMs) return false;
    await sleep(200);
  }
}
