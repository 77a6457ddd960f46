import { type Clock, keys, type RedisClient } from "@sluice/broker";
import type { Logger } from "pino";
import type { LaneDirectory } from "./lane-directory.js";
import type { LoopHealth } from "./loop-health.js";
import type { BatcherMetrics } from "./metrics.js";
import type { Ownership } from "./ownership.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

const MEASURE_EVERY_MS = 5_000;

interface DepthDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly lanes: LaneDirectory;
  readonly ownership: Ownership;
  readonly metrics: BatcherMetrics;
}

/** Measures how much open work lies on this batcher's shards: each entry of a ready stream is one open run. */
export function createDepthLoop(deps: DepthDeps): WakeableLoop {
  const turn = async (): Promise<number> => {
    for (const lane of deps.lanes.lanes()) {
      const lengths = deps.ownership.owned().map((shard) => deps.redis.xlen(keys.ready(shard, lane.name)));
      const total = (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
      deps.metrics.queueDepth(lane, total);
    }
    return MEASURE_EVERY_MS;
  };
  return createWakeableLoop("depth", turn, deps);
}
