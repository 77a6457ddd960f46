import type { LearnedTime } from "@sluice/broker";
import { createServiceCurve, type CurvePoint, type ServiceCurve } from "./service-curve.js";
import { WeightedWindow } from "./weighted-window.js";

/** Upper ends of the groups of sizes that are measured together: finer where a batch costs little more than a row. */
const GROUPS = [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096] as const;
/** How fast `drift` follows: about the latest 20 batches decide. */
const DRIFT_SHARE = 0.05;
const MIN_DRIFT = 0.5;
const MAX_DRIFT = 4;
/** So many batches of about one size say something about it; one or two may have had bad luck. */
const ENOUGH_SAMPLES = 8;
/** What was measured so many batches ago may not be true any more. */
const PROBE_EVERY = 100;

interface Group {
  readonly sizes: WeightedWindow;
  readonly timesMs: WeightedWindow;
  /** What they come to; undefined after a new sample. */
  point: CurvePoint | undefined;
  /** How many batches had been seen when the latest of this group was. */
  seenAt: number;
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
    if (this.#curve === undefined && this.#points().length >= 2)
      this.#curve = createServiceCurve(this.#points(), this.#maxSize);
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

  /** A batch was settled. @param size rows. @param serviceMs from its start to its end. */
  observe(size: number, serviceMs: number): void {
    const predictedMs = this.curve?.p50Ms(size);
    if (predictedMs !== undefined && predictedMs > 0) {
      const ratio = Math.min(MAX_DRIFT, Math.max(MIN_DRIFT, serviceMs / predictedMs));
      this.#drift += DRIFT_SHARE * (ratio - this.#drift);
    }
    this.#observed++;
    const group = this.#groupOf(size);
    group.seenAt = this.#observed;
    group.sizes.add(size);
    group.timesMs.add(serviceMs);
    group.point = undefined;
    this.#curve = undefined;
  }

  /**
   * A size above `size`, up to `maxSize`, that is worth a try if enough rows wait: too little is known about it, or it was long ago. Who
   * never tries larger batches again stays with small ones for ever after a few unlucky times.
   */
  sizeToProbe(size: number, maxSize: number): number | undefined {
    if (size >= maxSize) return undefined;
    for (const end of GROUPS) {
      if (end <= size) continue;
      const group = this.#groups.get(end);
      const known = group !== undefined && group.timesMs.count >= ENOUGH_SAMPLES;
      if (!known && this.#adopted.has(end)) continue;
      if (!known || this.#observed - group.seenAt >= PROBE_EVERY) return Math.min(end, maxSize);
      if (end >= maxSize) break;
    }
    return undefined;
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
    const group = { sizes: new WeightedWindow(), timesMs: new WeightedWindow(), point: undefined, seenAt: 0 };
    this.#groups.set(upTo, group);
    return group;
  }

  #points(): CurvePoint[] {
    const points = new Map(this.#adopted);
    for (const [end, group] of this.#groups) {
      if (group.timesMs.count >= ENOUGH_SAMPLES || !points.has(end)) points.set(end, (group.point ??= pointOf(group)));
    }
    return [...points.values()].sort((a, b) => a.size - b.size);
  }
}

function groupEnd(size: number): number {
  return GROUPS.find((end) => size <= end) ?? Infinity;
}

function pointOf({ sizes, timesMs }: Group): CurvePoint {
  const [p50Ms = 0, p95Ms = 0] = timesMs.quantiles(0.5, 0.95);
  return { size: sizes.mean(), p50Ms, p95Ms, weight: timesMs.count };
}
