import {
  type Clock,
  createPoller,
  type LaneLoad,
  type ModelRegistry,
  readLaneLoads,
  type RedisClient,
  type Service,
} from "@sluice/broker";
import type { Logger } from "pino";
import { expectedWaitMs } from "./expected-wait.js";

/** How long runs would take that are admitted now, as far as batchers have told. */
export interface LoadWatch extends Service {
  /** Milliseconds until a run of this lane would be done; 0 where nothing is known. */
  expectedWaitMs(lane: string): number;
  /** A run was made in this lane: it waits before all that come later. */
  admitted(lane: string): void;
  /** Milliseconds since the figures were read. */
  ageMs(): number;
}

const POLL_MS = 500;
/** Older figures are not believed: what was told may be done long since. */
const KEEP_MS = 3_000;

/** Loads of one pool, and when they were read. */
interface PoolLoads {
  readonly loads: ReadonlyMap<string, LaneLoad>;
  readonly atMs: number;
  /** Runs that were admitted since, by lane. */
  readonly admittedSince: Map<string, number>;
}

/** Reads what the batchers say of every pool that a model belongs to, in the background. */
export function createLoadWatch(deps: {
  readonly redis: RedisClient;
  readonly models: Pick<ModelRegistry, "all">;
  readonly clock: Clock;
  readonly log: Logger;
}): LoadWatch {
  const { redis, models, clock } = deps;
  const pools = new Map<string, PoolLoads>();
  const look = async (): Promise<void> => {
    // Each for itself: the master of one pool may be away.
    const read = async (pool: string): Promise<void> => {
      const loads = await readLaneLoads(redis, pool);
      pools.set(pool, { loads, atMs: clock.monotonicMs(), admittedSince: new Map() });
    };
    const results = await Promise.allSettled([...new Set(models.all().map(({ pool }) => pool))].map(read));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  };
  const poolOf = (lane: string): PoolLoads | undefined =>
    [...pools.values()].find(({ loads, atMs }) => loads.has(lane) && clock.monotonicMs() - atMs < KEEP_MS);
  const poller = createPoller(look, POLL_MS, deps.log);
  return {
    start: () => poller.start(),
    stop: () => poller.stop(),
    expectedWaitMs(lane) {
      const pool = poolOf(lane);
      return pool === undefined ? 0 : expectedWaitMs(lane, pool.loads, pool.admittedSince.get(lane) ?? 0);
    },
    admitted(lane) {
      const since = poolOf(lane)?.admittedSince;
      since?.set(lane, (since.get(lane) ?? 0) + 1);
    },
    ageMs: () => poller.ageMs(),
  };
}
