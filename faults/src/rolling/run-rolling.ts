import { setTimeout as sleep } from "node:timers/promises";

import type { Role } from "@sluice/stack";

import type { CampaignOptions } from "../campaign/campaign-options.js";
import { checkCampaign, readUsage } from "../campaign/check-campaign.js";
import { untilQuiet } from "../campaign/run-campaign.js";
import { startWorld, type World } from "../campaign/start-world.js";
import { createApiClient } from "../client/api-client.js";
import { type Clients, createClients } from "../client/run-clients.js";
import type { TopologyKind } from "../topology/topology.js";
import { PROGRESS_LIMIT_MS } from "../wedge/judge-wedge.js";
import { listLoops, watchProgress } from "../wedge/watch-progress.js";
import { type Restart, rollRole } from "./roll-fleet.js";
import type { RollingResult } from "./rolling-result.js";
import { startTcpBalancer, type TcpBalancer } from "./tcp-balancer.js";
import { watchAnswers, type WatchedClient } from "./watch-answers.js";

/** Rolling restarts of every role under load. */
export interface RollingOptions {
  readonly topology: TopologyKind;
  readonly seed: string;
  /** How often each process of each role is restarted. */
  readonly times: number;
  /** Tasks a second. @defaultValue 40 */
  readonly perSecond?: number;
  /** @defaultValue all */
  readonly roles?: readonly Role[];
  /** Variables of the roles. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets data, programs and logs; must be empty. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

const ROLES = ["api", "batcher", "gpu-worker"] as const;
const COUNTS = { api: 2, batcher: 2, "gpu-worker": 2 } as const;
const BASE_TASKS = 80;
const PER_SECOND = 40;
const QUIET_MS = 60_000;

/** @throws Error if the world does not come up. */
export async function runRolling(options: RollingOptions): Promise<RollingResult> {
  const startMs = Date.now();
  const campaign = campaignOf(options);
  const world = await startWorld(campaign);
  const backends = world.fleet.ofRole("api").map(({ name, url }) => ({ name, url, port: Number(new URL(url).port) }));
  const balancer = await startTcpBalancer(backends);
  const api = watchAnswers(createApiClient(() => balancer.port));
  let over = false;
  const clients = createClients(options.seed, { api, now: Date.now, sleep, isOver: () => over });
  try {
    await clients.submit(BASE_TASKS, PER_SECOND);
    await untilQuiet(world, clients, QUIET_MS);
    const usageBefore = await readUsage(world.fleet);
    const baseExecutions = world.oracle.executions();
    const restarts = await roll(options, { world, clients, balancer });
    const rolledMs = Date.now();
    const limits = { healedMs: rolledMs, limitMs: PROGRESS_LIMIT_MS };
    const loops = await watchProgress(world.fleet, await listLoops(world.fleet), limits);
    const quiet = await untilQuiet(world, clients, QUIET_MS);
    const quietAfterMs = quiet ? Date.now() - rolledMs : undefined;
    await clients.readAllAgain();
    over = true;
    api.close();
    const end = { options: campaign, world, clients, injected: [], usageBefore, baseExecutions, quietAfterMs, startMs };
    const result = await checkCampaign(end);
    return judge({ options, api, balancer, restarts, loops, campaign: result });
  } finally {
    over = true;
    api.close();
    balancer.stop();
    await world.stop();
  }
}

function campaignOf({ topology, seed, dir, say, env }: RollingOptions): CampaignOptions {
  return { topology, seed, tasks: 0, kills: 0, counts: COUNTS, dir, say, ...(env ? { env } : {}) };
}

/** Restarts everything `times` times while clients go on. */
async function roll(
  { times, perSecond = PER_SECOND, roles = ROLES, topology, say }: RollingOptions,
  { world, clients, balancer }: { readonly world: World; readonly clients: Clients; readonly balancer: TcpBalancer },
): Promise<Restart[]> {
  const restarts: Restart[] = [];
  let rolling = true;
  const load = clients.submit(Infinity, perSecond, () => !rolling);
  try {
    for (let time = 1; time <= times; time++) {
      for (const role of roles) {
        await rollRole(role, world.fleet, balancer, (restart) => restarts.push(restart));
        const last = restarts.at(-1);
        const took = last === undefined ? "" : `stopped in ${last.stopMs} ms, ready in ${last.startMs} ms`;
        say(`${topology}: ${role} ${time} of ${times}, ${clients.entries.length} tasks submitted; last one ${took}`);
      }
    }
  } finally {
    rolling = false;
    await load;
  }
  return restarts;
}

interface Rolled extends Pick<RollingResult, "restarts" | "loops" | "campaign"> {
  readonly options: RollingOptions;
  readonly api: WatchedClient;
  readonly balancer: TcpBalancer;
}

function judge({ options, api, balancer, restarts, loops, campaign }: Rolled): RollingResult {
  const { counts, errors, repeated } = api.answers;
  const broken = [
    ...errors.map(({ what, atMs }) => `error: ${what}, ${whenOf(atMs, restarts)}`),
    ...restarts.filter(({ exit }) => exit !== "0").map(({ name, exit }) => `exit: ${name} ended with ${exit}`),
    ...loops.filter(({ afterMs }) => afterMs === undefined).map(({ loop }) => `wedged: ${loop} after the last restart`),
    ...(balancer.untaken() > 0 ? [`error: ${balancer.untaken()} connections went to nobody`] : []),
    ...campaign.violations.map(({ invariant, detail }) => `${invariant}: ${detail}`),
  ];
  return {
    times: options.times,
    restarts,
    answers: Object.fromEntries(counts),
    repeated,
    errors,
    untaken: balancer.untaken(),
    loops,
    campaign,
    broken,
  };
}

/** How long after which SIGTERM. */
function whenOf(atMs: number, restarts: readonly Restart[]): string {
  const last = restarts.filter((restart) => restart.atMs <= atMs).at(-1);
  return last === undefined ? "before the first restart" : `${atMs - last.atMs} ms after SIGTERM of ${last.name}`;
}
