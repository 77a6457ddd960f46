import type { AdaptivePolicy } from "./adaptive-mode.js";
import { ArrivalGap } from "./arrival-gap.js";
import { batchSizes, type BatchSizes, type SizeLimits } from "./batch-sizes.js";
import type { ServiceCurve } from "./service-curve.js";
import { leastMeasuredWith, type ServiceTimes } from "./service-times.js";

/**
 * How far beyond the 95th percentile a batch may take, in parts of its distance from the median: about the 99th. Under
 * overload all rows of a batch have about the same time left, so one that takes longer is late as a whole.
 */
const SURE = 0.5;

/** How many batches are settled between two in which nobody is given up. */
const BATCHES_A_TRIAL = 16;

/** What settings and the pool say at the moment of a decision. */
export interface LaneConditions extends SizeLimits {
  /** Worker slots that are this batcher's share, and how many of them have nothing to do. */
  readonly slots: number;
  readonly idleSlots: number;
  /** Tritons among which the slots are. */
  readonly endpoints: number;
  /** What a second of the GPU is worth in seconds of requests. */
  readonly thrift: number;
  /** When the first of the waiting arrived, and the earliest deadline among them, monotonic milliseconds. */
  readonly oldestArrivedMs: number;
  readonly earliestDeadlineMs: number;
}

/** All that a batcher learns about one lane. Pure: it is told what happened, and when. */
export class LaneKnowledge {
  readonly gap = new ArrivalGap();
  /** For which limits and how many batches seen, and the answer: they are asked for at each arrival. */
  #sizes: (SizeLimits & { readonly observed: number; readonly sizes: BatchSizes }) | undefined;

  readonly times: ServiceTimes;

  /** @param times of this lane's model: its other class may learn with it. */
  constructor(times: ServiceTimes) {
    this.times = times;
  }

  /**
   * Who has no more than this left cannot be done in time, even if a batch started now, milliseconds. While more wait
   * than fit into one batch, somebody else takes the place of whoever is given up: then a fair chance is not enough.
   * Where all that wait fit into one batch, even who looks hopeless is tried while nothing runs, and during one batch of
   * sixteen: he takes nobody's place, and only by batches of their size is it found out that a model is fast again.
   * @param waiting rows. @param nothingRuns no slot of the pool is busy.
   */
  hopelessWithinMs(waiting: number, limits: SizeLimits, nothingRuns: boolean): number {
    const { curve, drift, observed } = this.times;
    if (curve === undefined) return 0;
    const sizes = this.sizes(limits);
    const most = Math.max(sizes.most, sizes.trial?.most ?? 0);
    if (waiting <= most && (nothingRuns || observed % BATCHES_A_TRIAL === 0)) return 0;
    if (waiting <= most) return drift * curve.p50Ms(Math.max(1, waiting));
    return drift * (curve.p95Ms(most) + SURE * (curve.p95Ms(most) - curve.p50Ms(most)));
  }

  /** How large batches are to be; without limit while too little is known. */
  sizes({ maxSize, sloMs, depth, overheadMs }: SizeLimits): BatchSizes {
    const { curve, drift, observed } = this.times;
    if (curve === undefined) return { enough: maxSize, most: maxSize };
    const known = this.#sizes;
    const isSame =
      known?.observed === observed &&
      known.maxSize === maxSize &&
      known.sloMs === sloMs &&
      known.depth === depth &&
      known.overheadMs === overheadMs;
    if (isSame) return known.sizes;
    const limits = { maxSize, sloMs, depth, overheadMs };
    const found = batchSizes({ curve, drift, measuredAt: (size) => this.times.measuredAt(size) }, limits);
    const trial = this.#trialOf(found, curve, limits);
    const sizes = trial === undefined ? found : { ...found, trial };
    this.#sizes = { ...limits, observed, sizes };
    return sizes;
  }

  /** In proportion it must end within the objective. */
  #trialOf({ most }: BatchSizes, curve: ServiceCurve, limits: SizeLimits): BatchSizes["trial"] {
    const { maxSize, sloMs, depth, overheadMs } = limits;
    const size = this.times.sizeToProbe(most, maxSize);
    if (size === undefined) return undefined;
    const aboutMs = (this.times.drift * curve.p50Ms(most) * size) / most;
    if (aboutMs * (depth + 1) + overheadMs > sloMs) return undefined;
    return { least: size < most ? size : leastOfTrial(size, most, curve), most: size };
  }

  /** The adaptive rule as it stands now. */
  policy(conditions: LaneConditions): AdaptivePolicy {
    const { oldestArrivedMs, earliestDeadlineMs, sloMs, overheadMs, slots, endpoints, idleSlots, thrift } = conditions;
    return {
      kind: "adaptive",
      curve: this.times.curve,
      drift: this.times.drift,
      sizes: this.sizes(conditions),
      gapMs: this.gap.meanMs,
      steadyGapMs: this.gap.steadyMs,
      lastArrivedMs: this.gap.lastMs,
      slots,
      endpoints,
      idleSlots,
      overheadMs,
      doneByMs: Math.min(earliestDeadlineMs, oldestArrivedMs + sloMs),
      thrift,
    };
  }
}

/**
 * Where only the objective keeps batches small, each larger one is a step forward. Past a knee those between the best
 * and the ones that are to be tried are only worse, and nothing is learned by them.
 */
function leastOfTrial(size: number, most: number, curve: ServiceCurve): number {
  if ((most + 1) / curve.p50Ms(most + 1) >= most / curve.p50Ms(most)) return most + 1;
  const least = leastMeasuredWith(size);
  return least > most ? least : size;
}
