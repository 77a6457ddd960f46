import {
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

/** Reads what the batchers say of every pool that a model belongs to, in the background. */
export function createLoadWatch(deps: {
  readonly redis: RedisClient;
  readonly models: Pick<ModelRegistry, "all">;
  readonly log: Logger;
}): LoadWatch {
  let loadsOfPools: readonly ReadonlyMap<string, LaneLoad>[] = [];
  let admittedSince = new Map<string, number>();
  const look = async (): Promise<void> => {
    const pools = [...new Set(deps.models.all().map((model) => model.pool))];
    loadsOfPools = await Promise.all(pools.map((pool) => readLaneLoads(deps.redis, pool)));
    admittedSince = new Map();
  };
  const poller = createPoller(look, POLL_MS, deps.log);
  return {
    start: () => poller.start(),
    stop: () => poller.stop(),
    expectedWaitMs(lane) {
      const loads = loadsOfPools.find((pool) => pool.has(lane));
      return loads === undefined ? 0 : expectedWaitMs(lane, loads, admittedSince.get(lane) ?? 0);
    },
    admitted: (lane) => void admittedSince.set(lane, (admittedSince.get(lane) ?? 0) + 1),
    ageMs: () => poller.ageMs(),
  };
}
