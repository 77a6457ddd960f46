import type { ServiceCurve } from "./service-curve.js";

/** A larger batch must bring this much of the best throughput to be worth its latency. */
const ENOUGH_THROUGHPUT = 0.97;

/**
 * Sizes whose throughput differs less are taken for equal, and the largest is used: noise of a tenth in service times
 * leaves so much doubt, and too small batches cost more than too large ones. Found by simulation at 0.9 and 1.3 times
 * the capacity of flat and of kneed curves, together with `ENOUGH_TO_JUDGE` of service-times.ts and the window there.
 */
const AS_GOOD = 0.99;

/** What bounds a batch beside its curve. */
export interface SizeLimits {
  /** Largest batch that is allowed, rows. */
  readonly maxSize: number;
  /** What a task may take in all, milliseconds. */
  readonly sloMs: number;
  /** Batches in flight at one server. */
  readonly depth: number;
  /** From the decision until a worker has the batch, milliseconds. */
  readonly overheadMs: number;
}

/** How large batches get. */
export interface BatchSizes {
  /** Enough: more rows are not worth waiting for. */
  readonly enough: number;
  /** The most that one batch takes of what waits already. */
  readonly most: number;
  /** Sizes of which too little is known: worth a try as soon as `least` wait, with up to `most`. */
  readonly trial?: { readonly least: number; readonly most: number };
}

/**
 * How large a batch is to be. `most` has the best throughput b / T(b), for past the knee of the curve batches only
 * take longer; of those that are as good it is the largest. `enough` is the smallest size with 0.97 of it. Both are so small that a task which waits for `depth`
 * batches and rides in one ends within the objective (Nexus, SOSP 2019, section 4.1, has the rule for depth 1), and 1
 * at least. Where rows arrive as fast as batches can take them, those 3 in 100 decide between a short and an endless
 * queue, hence two sizes.
 */
export function batchSizes(
  { curve, drift }: { readonly curve: ServiceCurve; readonly drift: number },
  { maxSize, sloMs, depth, overheadMs }: SizeLimits,
): BatchSizes {
  let best = 0;
  let most = 1;
  for (let size = 1; size <= maxSize; size++) {
    if (size > 1 && drift * curve.p95Ms(size) * (depth + 1) + overheadMs > sloMs) break;
    const throughput = size / curve.p50Ms(size);
    best = Math.max(best, throughput);
    if (throughput >= AS_GOOD * best) most = size;
  }
  let enough = 1;
  while (enough < most && enough / curve.p50Ms(enough) < ENOUGH_THROUGHPUT * best) enough++;
  return { enough, most };
}
