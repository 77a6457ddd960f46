import { type Clock, type CreditMessage, decodeCredit, keys, type ShardSubscriber } from "@sluice/broker";
import type { KnowledgeBook } from "./adaptive/knowledge-book.js";
import type { LaneDirectory } from "./lane-directory.js";
import type { LaneHolds } from "./lane-holds.js";
import type { Ledger, OutBatch } from "./ledger.js";
import type { BatcherMetrics } from "./metrics.js";
import type { Publishers } from "./publishers.js";
import type { ReadLoops } from "./read-loops.js";
import type { WakeableLoop } from "./wakeable-loop.js";
import type { Routes } from "./zones/routes.js";

/** What pools tell their batchers: batches that are finished, slots that are new. */
export interface CreditFeed {
  /** Listens to a pool from now on. @throws the Redis error; call it again later. */
  follow(pool: string): Promise<void>;
}

interface CreditDeps {
  readonly subscriber: ShardSubscriber;
  readonly clock: Clock;
  readonly lanes: LaneDirectory;
  readonly ledger: Ledger;
  readonly holds: LaneHolds;
  readonly knowledge: KnowledgeBook;
  readonly publishers: Publishers;
  readonly routes: Routes;
  readonly readers: ReadLoops;
  readonly lookUps: WakeableLoop;
  readonly metrics: BatcherMetrics;
}

/** Subscribes to the credit channel of each pool once, and hands on what it says. Messages may be lost. */
export function createCreditFeed(deps: CreditDeps): CreditFeed {
  const followed = new Set<string>();
  return {
    async follow(pool) {
      if (followed.has(pool)) return;
      await deps.subscriber.subscribe(keys.credits(pool), (bytes) => hear(deps, pool, bytes && decodeCredit(bytes)));
      followed.add(pool);
    },
  };
}

function hear(deps: CreditDeps, pool: string, message: CreditMessage | undefined): void {
  const { publishers, ledger, holds, readers, lookUps, clock } = deps;
  const nowMs = clock.monotonicMs();
  const publisher = publishers.get(pool);
  if (message === undefined || message.batchId === "") {
    // Messages were missed, or there are new slots.
    publisher?.credits.doubt();
  } else {
    publisher?.credits.finished();
    const batch = ledger.finish(message, nowMs);
    if (batch) {
      hearHold(holds, batch, message, nowMs);
      learnFrom(deps, batch, message, nowMs);
    }
    if (message.unsettled.some(({ why }) => why === "unknown")) lookUps.wake();
    readers.roomFreed();
  }
  publisher?.wake();
}

/** One run that is given back again and again must not hold up the others of its lane. */
function hearHold(holds: LaneHolds, batch: OutBatch, { unsettled }: CreditMessage, nowMs: number): void {
  const returned = unsettled.filter(({ why }) => why === "returned").length;
  if (returned === batch.entries.length) holds.returned(batch, nowMs);
  else holds.done(batch);
}

/** A batch of which something came back was not served as others are. */
function learnFrom(
  { knowledge, lanes, metrics, publishers, routes }: CreditDeps,
  batch: OutBatch,
  message: CreditMessage,
  nowMs: number,
): void {
  const lane = lanes.get(batch.lane);
  if (lane === undefined || message.unsettled.length > 0 || message.serviceMs <= 0) return;
  const rows = batch.entries.reduce((sum, { ref }) => sum + ref.cost, 0);
  const { times } = knowledge.of(lane.name, lane.modelMaxSize);
  const predictedMs = times.curve && times.drift * times.curve.p50Ms(rows);
  metrics.served(lane, { observedMs: message.serviceMs, predictedMs });
  // Batches that help out elsewhere say nothing about the servers at home.
  if (batch.pool === lane.pool || routes.isDeserted(lane)) times.observe(rows, message.serviceMs);
  knowledge.slotsOf(batch.pool).observe(publishers.get(batch.pool)?.slotsOfPool() ?? 0);
  if (batch.metIdleSlot) knowledge.overheadOf(batch.pool).observe(nowMs - batch.publishedMs - message.serviceMs);
}
