import type { LearnedTime } from "@sluice/broker";
import type { MeasuredSize } from "./batch-sizes.js";
import { createServiceCurve, type CurvePoint, type ServiceCurve } from "./service-curve.js";
import { WeightedWindow } from "./weighted-window.js";

/** Upper ends of the groups of sizes that are measured together: finer where a batch costs little more than a row. */
export const MEASURED_SIZES = [
  1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096,
] as const;
/** How fast `drift` follows: about the latest 20 batches decide. */
const DRIFT_SHARE = 0.05;
const MIN_DRIFT = 0.5;
const MAX_DRIFT = 4;
/** So many batches of about one size say something about it; one or two may have had bad luck. */
const ENOUGH_SAMPLES = 8;
/** So many say whether it is better or worse than another size by some hundredths. */
const ENOUGH_TO_JUDGE = 16;
/** What was measured so many batches ago may not be true any more; each time that it is tried in vain, twice as many. */
const PROBE_AFTER = 100;
const MAX_PROBE_AFTER = 3_200;
/** A try that takes less than this part of what was expected was not in vain: it is tried again at once. */
const MUCH_FASTER = 0.9;

/** Of a normal distribution: so many deviations lie between median and 95th percentile, and so much less a median knows than a mean. */
const P95_DEVIATIONS = 1.645;
const MEDIAN_ERROR = 1.25;
/** Past a knee batches that are smaller than this part of a size do more than it would, before it less. */
const NEAR = 0.85;
/** Older samples hardly count. */
const MOST_WEIGHT = 64;

interface Group {
  readonly sizes: WeightedWindow;
  readonly timesMs: WeightedWindow;
  /** What they come to; undefined after a new sample. */
  point: CurvePoint | undefined;
  /** How many batches had been seen when the latest of this group was. */
  seenAt: number;
  /** After so many batches of other groups it is worth a try again. */
  probeAfter: number;
}

/**
 * Learns how long batches take from those that were settled: quantiles by size, and how far reality has drifted from
 * them lately. A model that slows down shows in `drift` at once, whatever sizes run; in the curve only where they ran.
 */
export class ServiceTimes {
  readonly #groups = new Map<number, Group>();
  /** What others have learned, by group: it counts where too little was seen here. */
  #adopted = new Map<number, CurvePoint>();
  readonly #maxSize: number;
  /** Drawn when it is asked for. */
  #curve: ServiceCurve | undefined;
  #drift = 1;
  #observed = 0;

  /** @param maxSize largest batch, rows. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Undefined until batches of two different sizes were seen: before, nothing is known about what waiting saves. */
  get curve(): ServiceCurve | undefined {
    if (this.#curve === undefined) {
      const points = this.#points();
      if (points.length >= 2) this.#curve = createServiceCurve(points, this.#maxSize);
    }
    return this.#curve;
  }

  /** Observed over predicted, 0.5 to 4, 1 while nothing is known. */
  get drift(): number {
    return this.#drift;
  }

  /** How many batches were seen. */
  get observed(): number {
    return this.#observed;
  }

  /** What batches of about this size have done, here or elsewhere; undefined where they were much smaller on average. */
  measuredAt(size: number): MeasuredSize | undefined {
    const end = groupEnd(size);
    const group = this.#groups.get(end);
    const isKnown = group !== undefined && group.timesMs.count >= ENOUGH_SAMPLES;
    const point = isKnown ? pointAt(group) : this.#adopted.get(end);
    if (point === undefined || point.p50Ms <= 0 || point.size < NEAR * size) return undefined;
    const deviation = (point.p95Ms - point.p50Ms) / P95_DEVIATIONS / point.p50Ms;
    const samples = Math.max(1, Math.min(point.weight, MOST_WEIGHT));
    return { rowsPerMs: point.size / point.p50Ms, doubt: (MEDIAN_ERROR * deviation) / Math.sqrt(samples) };
  }

  /** A batch was settled. @param size rows. @param serviceMs from its start to its end. */
  observe(size: number, serviceMs: number): void {
    const predictedMs = this.curve?.p50Ms(size);
    if (predictedMs !== undefined && predictedMs > 0) {
      const ratio = Math.min(MAX_DRIFT, Math.max(MIN_DRIFT, serviceMs / predictedMs));
      this.#drift += DRIFT_SHARE * (ratio - this.#drift);
    }
    this.#observed++;
    const group = this.#groupOf(size);
    if (this.#observed - group.seenAt >= group.probeAfter) {
      const isFaster = predictedMs !== undefined && serviceMs < MUCH_FASTER * this.#drift * predictedMs;
      group.probeAfter = isFaster ? 0 : Math.min(Math.max(PROBE_AFTER, 2 * group.probeAfter), MAX_PROBE_AFTER);
    }
    group.seenAt = this.#observed;
    group.sizes.add(size);
    group.timesMs.add(serviceMs);
    group.point = undefined;
    this.#curve = undefined;
  }

  /**
   * Another size than `size`, up to `maxSize`, that is worth a try if enough rows wait: too little is known about it, or
   * it was long ago. Who never tries larger batches again stays with small ones for ever after a few unlucky times; who
   * never tries smaller ones misses that they have become better.
   */
  sizeToProbe(size: number, maxSize: number): number | undefined {
    const own = MEASURED_SIZES.findIndex((end) => size <= end);
    const smaller = MEASURED_SIZES[own - 1];
    if (smaller !== undefined && this.#isStale(smaller)) return smaller;
    for (const end of MEASURED_SIZES.slice(own)) {
      if (size >= maxSize || (MEASURED_SIZES[MEASURED_SIZES.indexOf(end) - 1] ?? 0) >= maxSize) break;
      if (end > size && this.#isStale(end)) return Math.min(end, maxSize);
    }
    return undefined;
  }

  #isStale(end: number): boolean {
    const group = this.#groups.get(end);
    if (group === undefined || group.timesMs.count < ENOUGH_TO_JUDGE) return !this.#adopted.has(end);
    return this.#observed - group.seenAt >= group.probeAfter;
  }

  /** Takes over what other batchers, or an earlier life of this one, have learned. */
  adopt(times: readonly LearnedTime[]): void {
    this.#adopted = new Map(times.map((time) => [groupEnd(time.size), time]));
    this.#curve = undefined;
  }

  /** What is worth telling others: what was seen often enough here, and else what they had told. */
  learned(): LearnedTime[] {
    return this.#points().filter(({ weight }) => weight >= ENOUGH_SAMPLES);
  }

  #groupOf(size: number): Group {
    const upTo = groupEnd(size);
    const known = this.#groups.get(upTo);
    if (known) return known;
    const group = {
      sizes: new WeightedWindow(),
      timesMs: new WeightedWindow(),
      point: undefined,
      seenAt: this.#observed,
      probeAfter: PROBE_AFTER,
    };
    this.#groups.set(upTo, group);
    return group;
  }

  #points(): CurvePoint[] {
    const points = new Map(this.#adopted);
    for (const [end, group] of this.#groups) {
      if (group.timesMs.count >= ENOUGH_SAMPLES || !points.has(end)) points.set(end, pointAt(group));
    }
    return [...points.values()].sort((a, b) => a.size - b.size);
  }
}

/** The smallest size that is measured together with this one. */
export function leastMeasuredWith(size: number): number {
  return (MEASURED_SIZES.findLast((end) => end < size) ?? 0) + 1;
}

function groupEnd(size: number): number {
  return MEASURED_SIZES.find((end) => size <= end) ?? Infinity;
}

function pointAt(group: Group): CurvePoint {
  return (group.point ??= pointOf(group));
}

function pointOf({ sizes, timesMs }: Group): CurvePoint {
  const [p50Ms = 0, p95Ms = 0] = timesMs.quantiles(0.5, 0.95);
  return { size: sizes.mean(), p50Ms, p95Ms, weight: timesMs.count };
}
