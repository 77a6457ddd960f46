import {
  type Clock,
  keys,
  type LaneLoad,
  type LaneReport,
  type RedisClient,
  tellLaneLoads,
  tellLaneReports,
} from "@sluice/broker";
import type { Logger } from "pino";
import type { KnowledgeBook } from "./adaptive/knowledge-book.js";
import { ArrivalRate } from "./arrival-rate.js";
import { fullBatchOf, learnedOf } from "./batch-candidates.js";
import type { LaneDirectory, ServedLane } from "./lane-directory.js";
import type { Ledger } from "./ledger.js";
import type { LoopHealth } from "./loop-health.js";
import type { BatcherMetrics } from "./metrics.js";
import type { Ownership } from "./ownership.js";
import type { Publishers } from "./publishers.js";
import type { RecentBatches } from "./recent-batches.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";
import type { Routes } from "./zones/routes.js";

const MEASURE_EVERY_MS = 500;
/** Lanes in which nothing is known to be open are measured once in so many turns. */
const IDLE_LANES_EVERY = 10;

interface DepthDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly lanes: LaneDirectory;
  readonly ledger: Ledger;
  readonly knowledge: KnowledgeBook;
  readonly ownership: Ownership;
  readonly publishers: Publishers;
  readonly routes: Routes;
  readonly recent: RecentBatches;
  readonly metrics: BatcherMetrics;
}

/**
 * Measures how much open work lies on this batcher's shards, each entry of a ready stream being one open run, and tells
 * the apis, which refuse what could not be done in time, and operators.
 */
export function createDepthLoop(deps: DepthDeps, batcher: string): WakeableLoop {
  const { lanes, ledger, metrics } = deps;
  const openRuns = new Map<string, number>();
  const rates = new Map<string, ArrivalRate>();
  let turns = 0;
  const turn = async (): Promise<number> => {
    const all = turns++ % IDLE_LANES_EVERY === 0;
    for (const lane of lanes.lanes()) {
      if (!all && ledger.countOf(lane.name) === 0 && (openRuns.get(lane.name) ?? 0) === 0) continue;
      openRuns.set(lane.name, await measure(deps, lane));
      metrics.queueDepth(lane, openRuns.get(lane.name) ?? 0);
    }
    for (const pool of lanes.pools()) {
      const ours = lanes.lanes().filter((lane) => lane.pool === pool);
      const loads = loadsBySite(deps, ours, openRuns);
      await tellLaneLoads(deps.redis, { pool, batcher }, loads.get(pool) ?? []);
      loads.delete(pool);
      for (const [site, left] of loads) await tellLaneLoads(deps.redis, { pool: site, batcher }, left);
      const reports = ours.map((lane) => {
        const rate = rates.get(lane.name) ?? new ArrivalRate();
        rates.set(lane.name, rate);
        return reportOf(deps, lane, { rate, openRuns: openRuns.get(lane.name) ?? 0 });
      });
      await tellLaneReports(deps.redis, { pool, batcher }, reports);
    }
    return MEASURE_EVERY_MS;
  };
  return createWakeableLoop("depth", turn, deps);
}

async function measure({ redis, ownership }: DepthDeps, lane: ServedLane): Promise<number> {
  const lengths = await Promise.all(ownership.owned().map((shard) => redis.xlen(keys.ready(shard, lane.name))));
  return lengths.reduce((sum, length) => sum + length, 0);
}

/** What each site is going to do of these lanes: by its slots, if a lane's work may leave its own. */
function loadsBySite(
  deps: DepthDeps,
  lanes: readonly ServedLane[],
  openRuns: ReadonlyMap<string, number>,
): Map<string, LaneLoad[]> {
  const { routes, knowledge, publishers } = deps;
  const loads = new Map<string, LaneLoad[]>();
  for (const lane of lanes) {
    const full = fullBatchOf(deps, lane);
    // Nothing is known of how long batches take.
    if (full === undefined) continue;
    const sites = routes.sitesInUse(lane).map((site) => {
      return { site, slots: knowledge.slotsOf(site).among(publishers.get(site)?.slotsOfPool() ?? 0) };
    });
    const allSlots = sites.reduce((sum, { slots }) => sum + slots, 0);
    const open = openRuns.get(lane.name) ?? 0;
    const times = { oneMs: full.oneMs, fullRows: full.rows, fullMs: full.serviceMs };
    for (const { site, slots } of sites) {
      const share = allSlots > 0 ? slots / allSlots : 1 / sites.length;
      const load = { lane: lane.name, openRuns: Math.round(open * share), ...times, slots };
      loads.set(site, [...(loads.get(site) ?? []), load]);
    }
  }
  return loads;
}

function reportOf(
  deps: DepthDeps,
  lane: ServedLane,
  { rate, openRuns }: { readonly rate: ArrivalRate; readonly openRuns: number },
): LaneReport {
  const { lanes, knowledge, recent, clock } = deps;
  const mode = lanes.settingsOf(lane).batchMode;
  const { enough, most, drift } = learnedOf(deps, lane);
  const maxSize = lanes.maxSizeOf(lane);
  return {
    lane: lane.name,
    mode,
    openRuns,
    arrivalsPerS: rate.look(knowledge.of(lane.name, lane.modelMaxSize).gap.total, clock.monotonicMs()),
    ...(mode === "fixed" ? { enough: maxSize, most: maxSize } : { enough, most }),
    drift,
    latest: recent.of(lane.name),
  };
}
