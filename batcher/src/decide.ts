import type { BatchClass, BatchReason, Settings } from "@sluice/broker";
import { decideFixed } from "./fixed-mode.js";

/** Everything a decision may depend on: what waits in one queue, and what its pool and its settings allow. */
export interface LaneView {
  readonly mode: Settings["batchMode"];
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
  if (lane.cost >= lane.maxSize) return { kind: "dispatch", size: lane.maxSize, reason: "full" };
  if (lane.draining) return { kind: "dispatch", size: lane.cost, reason: "drain" };
  switch (lane.mode) {
    case "fixed":
      return decideFixed(lane, nowMs);
  }
}
