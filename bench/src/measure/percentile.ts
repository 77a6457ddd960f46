/**
 * The smallest value that at least `share` of the values do not exceed (nearest rank, so always a value that was seen).
 * @param sorted ascending; NaN if empty.
 * @param share in 0..1, such as 0.99.
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/** The 50th percentile of values in any order. */
export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values).sort(), 0.5);
}
