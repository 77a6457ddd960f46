import type { AdaptivePolicy } from "./adaptive-mode.js";
import { ArrivalGap } from "./arrival-gap.js";
import { batchSizes, type BatchSizes, type SizeLimits } from "./batch-sizes.js";
import type { ServiceCurve } from "./service-curve.js";
import { ServiceTimes } from "./service-times.js";

/** What settings and the pool say at the moment of a decision. */
export interface LaneConditions extends SizeLimits {
  /** Credits that this batcher may have out at once. */
  readonly totalCredits: number;
  /** What a second of the GPU is worth in seconds of requests. */
  readonly thrift: number;
  /** When the first of the waiting arrived, and the earliest deadline among them, monotonic milliseconds. */
  readonly oldestArrivedMs: number;
  readonly earliestDeadlineMs: number;
}

/** All that a batcher learns about one lane. Pure: it is told what happened, and when. */
export class LaneKnowledge {
  readonly gap = new ArrivalGap();
  readonly times: ServiceTimes;
  #sizes: { readonly key: string; readonly sizes: BatchSizes } | undefined;

  /** @param maxSize largest batch, rows. */
  constructor(maxSize: number) {
    this.times = new ServiceTimes(maxSize);
  }

  /**
   * Who is to be done before this moment cannot be, even if a batch started now. While more wait than fit into one
   * batch, somebody else takes the place of whoever is given up: then a fair chance is not enough.
   * @param waiting rows.
   */
  hopelessBeforeMs(waiting: number, limits: SizeLimits, nowMs: number): number {
    const { curve, drift } = this.times;
    if (curve === undefined) return nowMs;
    const { most } = this.sizes(limits);
    return nowMs + drift * (waiting > most ? curve.p95Ms(most) : curve.p50Ms(Math.max(1, waiting)));
  }

  /** How large batches are to be; without limit while too little is known. */
  sizes({ maxSize, sloMs, depth, overheadMs }: SizeLimits): BatchSizes {
    const { curve, drift, observed } = this.times;
    if (curve === undefined) return { enough: maxSize, most: maxSize };
    const key = `${observed} ${maxSize} ${sloMs} ${depth} ${overheadMs}`;
    if (this.#sizes?.key !== key) {
      const sizes = batchSizes({ curve, drift }, { maxSize, sloMs, depth, overheadMs });
      const most = Math.max(sizes.most, this.#probeOf(sizes, curve, { maxSize, sloMs, depth, overheadMs }));
      this.#sizes = { key, sizes: { ...sizes, most } };
    }
    return this.#sizes.sizes;
  }

  /** A larger size to try when enough rows wait; 0: none. In proportion it must end within the objective. */
  #probeOf({ most }: BatchSizes, curve: ServiceCurve, { maxSize, sloMs, depth, overheadMs }: SizeLimits): number {
    const size = Math.min(maxSize, this.times.sizeToProbe(most) ?? 0);
    const atMostMs = (this.times.drift * curve.p95Ms(most) * size) / most;
    return atMostMs * (depth + 1) + overheadMs <= sloMs ? size : 0;
  }

  /** The adaptive rule as it stands now. */
  policy(conditions: LaneConditions): AdaptivePolicy {
    const { oldestArrivedMs, earliestDeadlineMs, sloMs, overheadMs, totalCredits, thrift } = conditions;
    return {
      kind: "adaptive",
      curve: this.times.curve,
      drift: this.times.drift,
      sizes: this.sizes(conditions),
      gapMs: this.gap.meanMs,
      lastArrivedMs: this.gap.lastMs,
      totalCredits,
      overheadMs,
      doneByMs: Math.min(earliestDeadlineMs, oldestArrivedMs + sloMs),
      thrift,
    };
  }
}
