/** How long batches take, by their size in rows. Sizes are whole; beyond the last known one the curve goes on straight. */
export interface ServiceCurve {
  /** Milliseconds that half of the batches of this size do not exceed. */
  p50Ms(size: number): number;
  /** Milliseconds that 95 of 100 batches of this size do not exceed; never below `p50Ms`. */
  p95Ms(size: number): number;
}

/** What is known at one size. */
export interface CurvePoint {
  /** Rows; need not be whole. */
  readonly size: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** How much the point counts against its neighbours. */
  readonly weight: number;
}

/**
 * A curve through points: straight between them, never falling with the size. Points that fall against each other are
 * pooled first (isotonic regression).
 * @param points in order of size, one at least.
 * @param maxSize up to here a look-up is one array access.
 */
export function createServiceCurve(points: readonly CurvePoint[], maxSize: number): ServiceCurve {
  const sizes = points.map(({ size }) => size);
  const weights = points.map(({ weight }) => weight);
  const tableOf = (values: readonly number[]): Float64Array =>
    tabulate(sizes, poolFallingValues(values, weights), maxSize);
  const p50s = tableOf(points.map(({ p50Ms }) => p50Ms));
  const p95s = tableOf(points.map(({ p95Ms }) => p95Ms));
  return {
    p50Ms: (size) => read(p50s, size),
    p95Ms: (size) => Math.max(read(p95s, size), read(p50s, size)),
  };
}

/** Beyond its end the table goes on as it ended. */
function read(table: Float64Array, size: number): number {
  const last = table.length - 1;
  if (size <= last) return table[size] ?? 0;
  const end = table[last] ?? 0;
  return end + (size - last) * (end - (table[last - 1] ?? end));
}

/**
 * Isotonic regression by the pool-adjacent-violators algorithm: the non-decreasing values with the least weighted
 * squared distance to those given.
 */
export function poolFallingValues(values: readonly number[], weights: readonly number[]): readonly number[] {
  if (values.every((value, index) => index === 0 || (values[index - 1] ?? 0) <= value)) return values;
  const blocks: { mean: number; weight: number; count: number }[] = [];
  for (const [index, value] of values.entries()) {
    let block = { mean: value, weight: weights[index] ?? 1, count: 1 };
    for (let before = blocks.at(-1); before && before.mean > block.mean; before = blocks.at(-1)) {
      blocks.pop();
      const weight = before.weight + block.weight;
      const mean = (before.mean * before.weight + block.mean * block.weight) / weight;
      block = { mean, weight, count: before.count + block.count };
    }
    blocks.push(block);
  }
  const pooled: number[] = [];
  for (const { mean, count } of blocks) for (let nth = 0; nth < count; nth++) pooled.push(mean);
  return pooled;
}

/** Values at the sizes 0..maxSize + 1. One point alone says nothing about the slope: there it is proportional. */
function tabulate(sizes: readonly number[], values: readonly number[], maxSize: number): Float64Array {
  const table = new Float64Array(maxSize + 2);
  const [firstSize = 1, firstValue = 0] = [sizes[0], values[0]];
  if (sizes.length === 1) return table.map((_, size) => (firstValue * Math.max(size, 1)) / firstSize);
  // A straight line to the left of the first point may fall below nothing.
  const leastValue = firstValue / 1_000;
  let size = 0;
  for (let right = 1; right < sizes.length; right++) {
    const [leftSize = 0, rightSize = 0] = [sizes[right - 1], sizes[right]];
    const [leftValue = 0, rightValue = 0] = [values[right - 1], values[right]];
    const slope = (rightValue - leftValue) / (rightSize - leftSize);
    const end = right === sizes.length - 1 ? table.length - 1 : rightSize;
    for (; size <= end && size < table.length; size++)
      table[size] = Math.max(leftValue + (size - leftSize) * slope, leastValue);
  }
  return table;
}
