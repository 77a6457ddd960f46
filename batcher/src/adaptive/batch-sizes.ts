import type { ServiceCurve } from "./service-curve.js";
import { MEASURED_SIZES } from "./service-times.js";

/** A larger batch must bring this much of the best throughput to be worth its latency. */
const ENOUGH_THROUGHPUT = 0.97;

/**
 * Sizes whose throughput differs by no more than this, or than what is in doubt, are taken for equal, and the largest is
 * used: too small batches cost more than too large ones, and who uses a size learns whether it is as good. More doubt than
 * this is no reason. Found by simulation at 0.8 to 0.95 of the capacity of curves with and without a knee.
 */
const ALIKE = 0.01;
const MOST_DOUBT = 0.05;

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

/** What was learned about the times of batches. */
export interface KnownTimes {
  readonly curve: ServiceCurve;
  /** Observed over predicted service times. */
  readonly drift: number;
  /** What batches of about this size have done; undefined if there were none. */
  readonly measuredAt: (size: number) => MeasuredSize | undefined;
}

/** What batches of about one size have done. */
export interface MeasuredSize {
  readonly rowsPerMs: number;
  /** How far that may be from the truth, as a part of it: its standard error. */
  readonly doubt: number;
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
 * take longer; of those that are as good it is the largest. Only sizes up to which times are measured together are
 * compared, and the largest that is allowed: between two of them the curve is a guess, and who follows it puts his next
 * measurements where they tell least. `enough` is the smallest size with 0.97 of it. Both are so small that a task which
 * waits for `depth` batches and rides in one ends within the objective (Nexus, SOSP 2019, section 4.1, has the rule for
 * depth 1), and 1 at least. Where rows arrive as fast as batches can take them, those 3 in 100 decide between a short and
 * an endless queue, hence two sizes.
 */
export function batchSizes(
  { curve, drift, measuredAt }: KnownTimes,
  { maxSize, sloMs, depth, overheadMs }: SizeLimits,
): BatchSizes {
  let allowed = 1;
  while (allowed < maxSize && drift * curve.p95Ms(allowed + 1) * (depth + 1) + overheadMs <= sloMs) allowed++;
  const compared = [...MEASURED_SIZES.filter((size) => size < allowed), allowed].map((size) => {
    // Between two sizes the curve is a straight line, and where it has a knee not there: what was measured counts.
    return { size, ...(measuredAt(size) ?? { rowsPerMs: size / curve.p50Ms(size), doubt: 0 }) };
  });
  const best = compared.reduce((a, b) => (b.rowsPerMs > a.rowsPerMs ? b : a));
  const isAlike = ({ rowsPerMs, doubt }: MeasuredSize): boolean => {
    const inDoubt = Math.min(MOST_DOUBT, Math.hypot(doubt, best.doubt));
    return rowsPerMs >= (1 - Math.max(ALIKE, inDoubt)) * best.rowsPerMs;
  };
  const most = (compared.findLast(isAlike) ?? best).size;
  let enough = 1;
  while (enough < most && enough / curve.p50Ms(enough) < ENOUGH_THROUGHPUT * best.rowsPerMs) enough++;
  return { enough, most };
}
