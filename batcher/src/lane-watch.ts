import type { Clock } from "@sluice/broker";
import type { Logger } from "pino";
import type { KnowledgeBook } from "./adaptive/knowledge-book.js";
import { learnedOf } from "./batch-candidates.js";
import type { CreditFeed } from "./credit-feed.js";
import type { LaneDirectory } from "./lane-directory.js";
import type { LoopHealth } from "./loop-health.js";
import type { BatcherMetrics } from "./metrics.js";
import type { Publishers } from "./publishers.js";
import type { ReadLoops } from "./read-loops.js";
import type { ServerClock } from "./server-clock.js";
import { createWakeableLoop, type WakeableLoop } from "./wakeable-loop.js";

const LOOK_EVERY_MS = 500;

/** Follows the models: a new pool is published to and listened to, a new lane is read. */
export function createLaneWatch(deps: {
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: LoopHealth;
  readonly lanes: LaneDirectory;
  readonly publishers: Publishers;
  readonly readers: ReadLoops;
  readonly feed: CreditFeed;
  readonly serverClock: ServerClock;
  readonly metrics: BatcherMetrics;
  readonly knowledge: KnowledgeBook;
}): WakeableLoop {
  const { lanes, publishers, readers, feed, serverClock, metrics } = deps;
  const turn = async (): Promise<number> => {
    lanes.refresh();
    publishers.reconcile(lanes.sites());
    readers.reconcile();
    for (const [pool, publisher] of publishers.list()) {
      metrics.credits(pool, publisher.credits, publisher.slotsOfPool());
    }
    for (const lane of lanes.lanes()) {
      if (lanes.settingsOf(lane).batchMode === "adaptive") metrics.learned(lane, learnedOf(deps, lane));
    }
    await serverClock.measure();
    for (const site of lanes.sites()) await feed.follow(site);
    return LOOK_EVERY_MS;
  };
  return createWakeableLoop("lanes", turn, deps);
}
