import { decide, type LaneView } from "./decide.js";
import type { FillingBatch } from "./read-pacing.js";

/** While all slots are busy, what a batch may miss by being read late is at most this part of its service time. */
const LATE_SHARE = 1 / 8;

/** What the next read of a queue's lane could add to its next batch, and when that leaves without it. */
export function fillingBatchOf(view: LaneView, nowMs: number): FillingBatch {
  const { policy, cost } = view;
  if (policy.kind === "fixed") {
    return { missing: view.maxSize - cost, dueInMs: view.oldestArrivedMs + view.maxWaitMs - nowMs };
  }
  const decision = decide(view, nowMs);
  if (decision.kind === "dispatch") return { missing: 0, dueInMs: 0 };
  if (policy.idleSlots >= 1 && decision.untilMs < Infinity)
    return { missing: policy.sizes.enough - cost, dueInMs: decision.untilMs - nowMs };
  const serviceMs = policy.curve?.p50Ms(Math.min(cost, policy.sizes.most)) ?? 0;
  const { most, trial } = policy.sizes;
  return { missing: Math.max(most, trial?.most ?? 0) - cost, dueInMs: LATE_SHARE * serviceMs };
}
