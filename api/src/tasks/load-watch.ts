import {
  type Clock,
  createPoller,
  type KnownZones,
  type LaneLoad,
  type ModelRegistry,
  readLaneLoads,
  type RedisClient,
  type Service,
  SHARD_COUNT,
  siteOf,
} from "@sluice/broker";
import type { Logger } from "pino";
import { expectedWaitMs, joinLoads, mostOpenRuns } from "./expected-wait.js";
import { LaneDepths } from "./lane-depths.js";

/** How long runs would take that are admitted now, by what batchers tell and admissions see. */
export interface LoadWatch extends Service {
  /** Milliseconds until a run of this lane would be done; 0 where nothing is known. */
  expectedWaitMs(lane: string): number;
  /**
   * How many runs each shard may have open in this lane for one more to be done within this time; Infinity where nothing
   * is known.
   */
  mostPerShard(lane: string, withinMs: number): number;
  /** A shard has so many runs open in this lane. */
  saw(lane: string, shard: number, depth: number): void;
  /** Milliseconds since the figures were read. */
  ageMs(): number;
}

const POLL_MS = 500;
/** Older figures are not believed: what was told may be done long since. */
const KEEP_MS = 3_000;

/**
 * Batchers read all shards alike, so the runs of a shard that has more of them wait longer, and admission alone keeps
 * shards level. So many of each lie in a batcher's memory, though, where those of all shards go by their age.
 */
const LEVEL_FROM = 32;

/** Loads of one pool, and when they were read. */
interface PoolLoads {
  readonly loads: ReadonlyMap<string, LaneLoad>;
  readonly atMs: number;
}

/** Reads what the batchers say of every pool that a model belongs to, in all zones, in the background. */
export function createLoadWatch(deps: {
  readonly redis: RedisClient;
  readonly models: Pick<ModelRegistry, "all">;
  readonly zones: Pick<KnownZones, "all">;
  readonly clock: Clock;
  readonly log: Logger;
}): LoadWatch {
  const { redis, models, zones, clock } = deps;
  const pools = new Map<string, PoolLoads>();
  const depths = new LaneDepths();
  const look = async (): Promise<void> => {
    // Each for itself: the master of one pool may be away.
    const read = async (pool: string): Promise<void> => {
      const loads = await readLaneLoads(redis, pool, zones.all());
      pools.set(pool, { loads, atMs: clock.monotonicMs() });
    };
    const sites = new Set(models.all().flatMap(({ pool }) => zones.all().map((zone) => siteOf(pool, zone))));
    const results = await Promise.allSettled([...sites].map(read));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  };
  const loadsBeside = (lane: string): PoolLoads["loads"] => {
    const nowMs = clock.monotonicMs();
    const told = [...pools.values()].filter(({ loads, atMs }) => loads.has(lane) && nowMs - atMs < KEEP_MS);
    return joinLoads(told.map(({ loads }) => loads));
  };
  const poller = createPoller(look, POLL_MS, deps.log);
  return {
    start: () => poller.start(),
    stop: () => poller.stop(),
    expectedWaitMs(lane) {
      const loads = loadsBeside(lane);
      const told = loads.get(lane)?.openRuns ?? 0;
      return expectedWaitMs(lane, loads, depths.openRuns(lane, told, clock.monotonicMs()));
    },
    mostPerShard: (lane, withinMs) =>
      Math.max(LEVEL_FROM, Math.ceil(mostOpenRuns(lane, loadsBeside(lane), withinMs) / SHARD_COUNT)),
    saw: (lane, shard, depth) => depths.saw(lane, shard, depth, clock.monotonicMs()),
    ageMs: () => poller.ageMs(),
  };
}
