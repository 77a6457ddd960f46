import type { BatchClass, BatchReason } from "@sluice/broker";
import { type AdaptivePolicy, decideAdaptive, evenShare } from "./adaptive/adaptive-mode.js";
import type { BatchSizes } from "./adaptive/batch-sizes.js";
import { decideFixed } from "./fixed-mode.js";

/** Everything a decision may depend on: what waits in one queue, and what its pool and its settings allow. */
export interface LaneView {
  readonly policy: BatchPolicy;
  readonly batchClass: BatchClass;
  /** References that wait. */
  readonly count: number;
  /** What they add up to, in rows of a batch. */
  readonly cost: number;
  /** When the first of them arrived, monotonic milliseconds. */
  readonly oldestArrivedMs: number;
  /** How many batches this batcher may publish to the pool now. */
  readonly freeCredits: number;
  /** Most rows in one batch. */
  readonly maxSize: number;
  /** Longest wait of the first reference while a credit is free, milliseconds. */
  readonly maxWaitMs: number;
  /** These references must be alone in their batch. */
  readonly solo: boolean;
  /** The batcher is stopping: what waits leaves now or is left to the next owner. */
  readonly draining: boolean;
}

/** The rule by which batches leave, with what it knows. */
export type BatchPolicy = { readonly kind: "fixed" } | AdaptivePolicy;

/** Publish a batch of at most `size` rows now, or look again at `untilMs` (monotonic) or when something changes. */
export type Decision =
  | { readonly kind: "dispatch"; readonly size: number; readonly reason: BatchReason }
  | { readonly kind: "wait"; readonly untilMs: number };

/** Waiting for something that no timer can tell: an arrival, or a credit. */
const WAIT_FOR_NEWS: Decision = { kind: "wait", untilMs: Infinity };

/**
 * Decides about one queue at one moment. Pure: no clock, no Redis, no timer. What holds in every mode stands here:
 * nothing leaves without a credit (waiting for the pool costs nothing, the batch grows meanwhile), and a reference
 * that must be alone is alone.
 */
export function decide(lane: LaneView, nowMs: number): Decision {
  if (lane.count === 0 || lane.freeCredits < 1) return WAIT_FOR_NEWS;
  if (lane.solo) return { kind: "dispatch", size: 1, reason: "solo" };
  const { enough, most, trial } = lane.policy.kind === "adaptive" ? lane.policy.sizes : sizesOfFixed(lane);
  if (lane.policy.kind === "adaptive" && lane.policy.idleSlots < 1 && lane.cost < most) {
    return waitForIdleSlot(lane, lane.policy, nowMs);
  }
  if (lane.cost >= enough) {
    if (trial !== undefined && lane.cost >= trial.least) {
      return { kind: "dispatch", size: Math.min(lane.cost, trial.most), reason: "full" };
    }
    return shared({ kind: "dispatch", size: Math.min(lane.cost, most), reason: "full" }, lane);
  }
  if (lane.draining) return { kind: "dispatch", size: lane.cost, reason: "drain" };
  switch (lane.policy.kind) {
    case "fixed":
      return decideFixed(lane, nowMs);
    case "adaptive":
      return shared(decideAdaptive(lane, lane.policy, nowMs), lane);
  }
}

/**
 * A batch that may still grow gains nothing by waiting in the pool instead of here. But where others, another model or
 * another zone, let no slot get idle, it must take its turn among them.
 */
function waitForIdleSlot(lane: LaneView, policy: AdaptivePolicy, nowMs: number): Decision {
  const turnMs = lane.oldestArrivedMs + turnsAwayMs(lane, policy);
  if (nowMs < turnMs) return { kind: "wait", untilMs: turnMs };
  return { kind: "dispatch", size: lane.cost, reason: "due" };
}

/** Who has waited for the batch that runs and for the one that lies before it has waited for what was there when he came. */
function turnsAwayMs({ maxWaitMs }: LaneView, { curve, drift, sizes }: AdaptivePolicy): number {
  return curve === undefined ? maxWaitMs : Math.max(maxWaitMs, 2 * drift * curve.p95Ms(sizes.most));
}

/** Of a pool with several slots one does not take all. */
function shared(decision: Decision, { cost, policy, draining }: LaneView): Decision {
  if (decision.kind === "wait" || policy.kind === "fixed" || draining) return decision;
  return { ...decision, size: Math.min(decision.size, evenShare(cost, policy)) };
}

function sizesOfFixed({ maxSize }: LaneView): BatchSizes {
  return { enough: maxSize, most: maxSize };
}
