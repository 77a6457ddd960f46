import { type Clock, dropIdleSlots, findDeadNotices, reclaimDeadNotice, type RedisClient } from "@sluice/broker";
import type { Logger } from "pino";
import type { LaneDirectory } from "./lane-directory.js";
import type { LoopHealth } from "./loop-health.js";
import type { BatcherMetrics } from "./metrics.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

const LOOK_EVERY_MS = 1_000;
/** Consumers of slots that are gone pile up slowly, some for each boot of a worker: looked at in one turn of so many. */
const DROP_CONSUMERS_EVERY = 300;
/** A slot that lives pulls every quarter of a second, or holds a notice, so a consumer that is idle for so long is dead. */
const CONSUMER_IDLE_MS = 600_000;

interface DeadSlotsDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly lanes: LaneDirectory;
  readonly metrics: BatcherMetrics;
}

/**
 * Takes the batches of silent worker slots away from them. All batchers do it for all pools: doing it twice is
 * harmless, and the runs come back to whoever owns them through the credit message.
 */
export function createDeadSlotsLoop(deps: DeadSlotsDeps): WakeableLoop {
  let turns = 0;
  const turn = async (): Promise<number> => {
    const pools = deps.lanes.sites();
    const results = await Promise.allSettled(pools.map((pool) => reclaimPool(deps, pool)));
    if (++turns % DROP_CONSUMERS_EVERY === 0) {
      await Promise.all(pools.map((pool) => dropIdleSlots(deps.redis, pool, CONSUMER_IDLE_MS)));
    }
    const failed = results.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
    return LOOK_EVERY_MS;
  };
  return createWakeableLoop("dead-slots", turn, deps);
}

async function reclaimPool({ redis, log, metrics }: DeadSlotsDeps, pool: string): Promise<void> {
  for (const dead of await findDeadNotices(redis, pool)) {
    await reclaimDeadNotice(redis, pool, dead);
    metrics.reclaimed(pool);
    const { slot, notice } = dead;
    log.warn({ pool, slot, batchId: notice?.batchId, size: notice?.rows.length }, "batch of a silent slot taken back");
  }
}
