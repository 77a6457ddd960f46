import type { Settings } from "@sluice/broker";
import type { BatchSizes } from "./adaptive/batch-sizes.js";
import type { KnowledgeBook } from "./adaptive/knowledge-book.js";
import type { BatchPolicy, LaneView } from "./decide.js";
import type { LaneDirectory, ServedLane } from "./lane-directory.js";
import type { LaneHolds } from "./lane-holds.js";
import type { LaneQueue } from "./lane-queue.js";
import type { SlotShare } from "./pool-credits.js";
import type { Routes } from "./zones/routes.js";
import type { BatchFill, Ledger, LedgerEntry } from "./ledger.js";

/** A queue of a pool, and all that decides when its next batch leaves. */
export interface BatchCandidate {
  readonly queue: LaneQueue<LedgerEntry>;
  readonly lane: ServedLane;
  readonly settings: Settings;
  readonly view: LaneView;
  readonly heldUntilMs: number;
}

/** What a pool offers to this batcher at one moment. */
export interface PoolOffer extends SlotShare {
  readonly freeCredits: number;
  /** The batcher is stopping. */
  readonly draining: boolean;
  /** What to add to a time of the Redis server to get the same moment as monotonic time, milliseconds. */
  readonly toMonotonicMs: number;
}

/** A second of the GPU is worth at least so much in a bulk lane: nobody waits for its latency. */
const BULK_THRIFT = 5;
/** A task waits for one batch, at most, before the one that it rides in. */
const BATCHES_AHEAD = 1;

/** Where candidates come from. */
export interface CandidateDeps {
  readonly lanes: LaneDirectory;
  readonly ledger: Ledger;
  readonly holds: LaneHolds;
  readonly knowledge: KnowledgeBook;
  readonly routes: Routes;
}

/** All queues in which something waits that a pool may run, as they are to be decided about. Pure but for what the parts hold. */
export function listCandidates(deps: CandidateDeps, pool: string, offer: PoolOffer): BatchCandidate[] {
  const { lanes, ledger, holds, routes } = deps;
  return ledger.queues().flatMap((queue) => {
    const lane = lanes.get(queue.kind.lane);
    if (lane === undefined || !routes.mayRun(lane, pool)) return [];
    const settings = lanes.settingsOf(lane);
    const view = {
      policy: policyOf(deps, { queue, lane, settings }, offer),
      batchClass: lane.batchClass,
      count: queue.count,
      cost: queue.cost,
      oldestArrivedMs: queue.oldestArrivedMs,
      freeCredits: offer.freeCredits,
      maxSize: lanes.maxSizeOf(lane),
      maxWaitMs: settings.batchMaxWaitMs,
      solo: queue.kind.solo,
      draining: offer.draining,
    };
    return [{ queue, lane, settings, view, heldUntilMs: holds.untilMs({ lane: lane.name, pool }) }];
  });
}

/**
 * What may ride along in places that a `now` batch leaves empty: bulk rows of the same version and signature, which
 * would cost a batch of their own. Undefined if there are none.
 */
export function fillOf(
  { queue, lane, view: { policy, solo } }: BatchCandidate,
  others: readonly BatchCandidate[],
  nowMs: number,
): BatchFill | undefined {
  if (policy.kind === "fixed" || solo || lane.batchClass === "bulk" || queue.cost >= policy.sizes.enough) return;
  const bulkLane = lane.name.replace(/:now$/, ":bulk");
  const bulk = others.find(({ queue: { kind }, heldUntilMs }) => {
    const alike = kind.lane === bulkLane && kind.signature === queue.kind.signature && !kind.solo;
    return alike && heldUntilMs <= nowMs;
  });
  return bulk && { queue: bulk.queue, size: policy.sizes.enough };
}

function policyOf(
  { knowledge, lanes }: CandidateDeps,
  { queue, lane, settings }: Pick<BatchCandidate, "queue" | "lane" | "settings">,
  offer: PoolOffer,
): BatchPolicy {
  if (settings.batchMode === "fixed") return { kind: "fixed" };
  const { slots, endpoints, idleSlots, toMonotonicMs } = offer;
  return knowledge.of(lane.name, lane.modelMaxSize).policy({
    ...sizeLimits({ knowledge, lanes }, lane),
    ...{ slots, endpoints, idleSlots },
    thrift: lane.batchClass === "bulk" ? Math.max(BULK_THRIFT, settings.batchThrift) : settings.batchThrift,
    oldestArrivedMs: queue.oldestArrivedMs,
    earliestDeadlineMs: queue.earliestDeadlineMs + toMonotonicMs,
  });
}

/**
 * How much longer a task of this queue must have to live to be worth a place in a batch, milliseconds: with less it
 * cannot make it, even if it left now.
 */
export function hopelessWithinMs(deps: CandidateDeps, queue: LaneQueue<LedgerEntry>, nothingRuns: boolean): number {
  const lane = deps.lanes.get(queue.kind.lane);
  if (lane === undefined || deps.lanes.settingsOf(lane).batchMode === "fixed") return 0;
  const limits = sizeLimits(deps, lane);
  return Math.ceil(deps.knowledge.of(lane.name, lane.modelMaxSize).hopelessWithinMs(queue.cost, limits, nothingRuns));
}

/** How large the batches of a lane are to be by what was learned, and observed over predicted service times. */
export function learnedOf(
  { knowledge, lanes }: Pick<CandidateDeps, "knowledge" | "lanes">,
  lane: ServedLane,
): BatchSizes & { readonly drift: number } {
  const known = knowledge.of(lane.name, lane.modelMaxSize);
  return { ...known.sizes(sizeLimits({ knowledge, lanes }, lane)), drift: known.times.drift };
}

/** A batch as large as batches of this lane get, and how long it and one of a single row take; undefined while too little is known. */
export function fullBatchOf(
  { knowledge, lanes }: Pick<CandidateDeps, "knowledge" | "lanes">,
  lane: ServedLane,
): { readonly rows: number; readonly serviceMs: number; readonly oneMs: number } | undefined {
  const known = knowledge.of(lane.name, lane.modelMaxSize);
  const { curve, drift } = known.times;
  if (curve === undefined) return undefined;
  const limits = sizeLimits({ knowledge, lanes }, lane);
  const rows = lanes.settingsOf(lane).batchMode === "fixed" ? limits.maxSize : known.sizes(limits).enough;
  return { rows, serviceMs: drift * curve.p50Ms(rows), oneMs: drift * curve.p50Ms(1) };
}

function sizeLimits({ knowledge, lanes }: Pick<CandidateDeps, "knowledge" | "lanes">, lane: ServedLane) {
  const sloMs = lanes.settingsOf(lane).batchSloMs;
  const overheadMs = knowledge.overheadOf(lane.pool).p95Ms;
  return { maxSize: lanes.maxSizeOf(lane), sloMs, depth: BATCHES_AHEAD, overheadMs };
}
