import type { Decision, LaneView } from "../decide.js";
import type { BatchSizes } from "./batch-sizes.js";
import type { ServiceCurve } from "./service-curve.js";

/** After so many mean gaps without an arrival, the next one is not worth guessing. */
const IDLE_GAPS = 3;
/** With many slots a batch takes many gaps: in one of twenty random ones, 3 would end its wait for nothing. */
const IDLE_GAPS_OF_MANY = 5;

/**
 * With so many slots batches that leave too small keep all of them busy; with fewer, the chance that nobody is idle says
 * enough. Found by simulation: on 8 slots at half the load the mean is 2 % lower for it, on 2 slots up to 8 % higher.
 */
const MANY_SLOTS = 4;

/** So much above what keeps up: for what comes in uneven times. Found by simulation, with 2 to 8 slots at 0.05 to 0.95. */
const SHARE_MARGIN = 1.1;

/** What the adaptive rule knows of a lane beyond its queue. */
export interface AdaptivePolicy {
  readonly kind: "adaptive";
  /** Undefined while too little is known. */
  readonly curve: ServiceCurve | undefined;
  /** Observed over predicted service times. */
  readonly drift: number;
  /** How large batches are to be, rows. */
  readonly sizes: BatchSizes;
  /** Mean time between arrivals, milliseconds; Infinity if unknown. */
  readonly gapMs: number;
  /** The same over more arrivals. */
  readonly steadyGapMs: number;
  /** When the latest arrived, monotonic milliseconds. */
  readonly lastArrivedMs: number;
  /** Worker slots that are this batcher's share, and how many of them have nothing to do. */
  readonly slots: number;
  readonly idleSlots: number;
  /** Tritons among which the slots are. */
  readonly endpoints: number;
  /** From a decision until a worker has the batch, 95th percentile, milliseconds. */
  readonly overheadMs: number;
  /** By when the most urgent is to be done, monotonic milliseconds. */
  readonly doneByMs: number;
  /** What a second of the GPU is worth in seconds of requests; 0 cares for latency alone. */
  readonly thrift: number;
}

/**
 * Waits only while waiting pays: leave when the time that the waiting lose by one more gap exceeds the time that a
 * larger batch saves. Called with an idle slot and less than a full batch.
 *
 * With n waiting, gap d, service time T, f of C slots idle, thrift w:
 *   cost = n (d + T(n+1) - T(n))
 *   gain = p max(0, T(n) - d) + T(1) - T(n+1) + w (T(n) + T(1) - T(n+1))
 * where p is the chance that the next to arrive would find no idle slot: 1 for the last one, else
 * ((C - f) / C)^(f - 1). With many slots the next would wait for the first of them, T(n) / C instead of T(n); and the
 * lane also waits, whatever pauses there are, while n C d < T(n): all slots together, with batches of n, would not keep
 * up with what arrives.
 */
export function decideAdaptive(lane: LaneView, policy: AdaptivePolicy, nowMs: number): Decision {
  const { curve, drift, gapMs, lastArrivedMs, overheadMs, doneByMs, steadyGapMs } = policy;
  const size = lane.cost;
  if (curve === undefined || gapMs === Infinity) return { kind: "dispatch", size, reason: "marginal" };
  const startByMs = doneByMs - drift * curve.p95Ms(size + 1) - overheadMs;
  if (nowMs >= startByMs) return { kind: "dispatch", size, reason: "deadline" };
  const dueMs = lane.oldestArrivedMs + lane.maxWaitMs;
  if (nowMs >= dueMs) return { kind: "dispatch", size, reason: "due" };
  const idleMs = lastArrivedMs + idleGapsOf(policy) * gapMs;
  if (nowMs >= idleMs) return { kind: "dispatch", size, reason: "idle" };
  const wakeMs = Math.min(startByMs, dueMs, idleMs);
  if (policy.slots >= MANY_SLOTS && steadyGapMs < unsustainableGapMs(size, policy, curve)) {
    return { kind: "wait", untilMs: wakeMs };
  }
  const patienceMs = longestGapMs(lane, policy, curve);
  if (Math.max(gapMs, nowMs - lastArrivedMs) >= patienceMs) return { kind: "dispatch", size, reason: "marginal" };
  // Without news the gap is the time since the last arrival: it pays until that exceeds the patience.
  return { kind: "wait", untilMs: Math.min(wakeMs, lastArrivedMs + patienceMs) };
}

/** The gap at which cost and gain are equal; both are straight lines in it, the gain with a knee where nobody would wait. */
function longestGapMs(
  lane: LaneView,
  { drift, slots, idleSlots, thrift }: AdaptivePolicy,
  curve: ServiceCurve,
): number {
  const n = lane.cost;
  const oneMs = drift * curve.p50Ms(1);
  const nowMs = drift * curve.p50Ms(n);
  const moreMs = drift * curve.p50Ms(n + 1);
  const fixed = oneMs - moreMs + thrift * (nowMs + oneMs - moreMs) - n * (moreMs - nowMs);
  const p = chanceOfNone(idleSlots, slots);
  const busyMs = slots < MANY_SLOTS ? nowMs : nowMs / slots;
  const beforeKnee = (p * busyMs + fixed) / (n + p);
  return beforeKnee <= busyMs ? beforeKnee : fixed / n;
}

/** Rows that arrive no further apart than this would fill batches of n faster than the slots can run them. */
function unsustainableGapMs(n: number, { drift, slots }: AdaptivePolicy, curve: ServiceCurve): number {
  return (drift * curve.p50Ms(n)) / (n * slots);
}

/**
 * How many rows of those that wait one of several slots is to take at most, so that the others find some as well: little more
 * than the batches with which all slots keep up, or half of what waits if that is more. Without it the slot that is free
 * first takes all, next to nothing is left for the next one, and what comes meanwhile waits for the long batch: the same
 * mean size, but a mean latency up to 9 % above that of a window with a small cap. Thrift would rather have one large.
 * A few slots of one Triton are most often batches in flight on one device, which runs them one after the other: to halve
 * what waits only costs it the fixed time twice.
 */
export function evenShare(waiting: number, policy: AdaptivePolicy): number {
  const { curve, steadyGapMs, slots, endpoints, sizes, thrift } = policy;
  if ((slots < MANY_SLOTS && endpoints < 2) || thrift > 0 || curve === undefined || steadyGapMs === Infinity)
    return waiting;
  const atLeast = Math.ceil(waiting / 2);
  let enough = 1;
  while (enough < sizes.most && steadyGapMs < unsustainableGapMs(enough, policy, curve)) enough++;
  return Math.max(atLeast, Math.ceil(SHARE_MARGIN * enough) + 1);
}

function idleGapsOf({ slots }: AdaptivePolicy): number {
  return slots < MANY_SLOTS ? IDLE_GAPS : IDLE_GAPS_OF_MANY;
}

function chanceOfNone(idle: number, total: number): number {
  return idle <= 1 ? 1 : (Math.max(0, total - idle) / total) ** (idle - 1);
}
