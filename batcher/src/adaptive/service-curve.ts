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
  const p50s = tabulate(
    sizes,
    poolFallingValues(
      points.map(({ p50Ms }) => p50Ms),
      weights,
    ),
    maxSize,
  );
  const p95s = tabulate(
    sizes,
    poolFallingValues(
      points.map(({ p95Ms }) => p95Ms),
      weights,
    ),
    maxSize,
  );
  const last = p50s.length - 1;
  const read = (table: Float64Array, size: number): number => {
    if (size <= last) return table[size] ?? 0;
    const end = table[last] ?? 0;
    return end + (size - last) * (end - (table[last - 1] ?? end));
  };
  return {
    p50Ms: (size) => read(p50s, size),
    p95Ms: (size) => Math.max(read(p95s, size), read(p50s, size)),
  };
}

/**
 * Isotonic regression by the pool-adjacent-violators algorithm: the non-decreasing values with the least weighted
 * squared distance to those given.
 */
export function poolFallingValues(values: readonly number[], weights: readonly number[]): number[] {
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
  return blocks.flatMap(({ mean, count }) => Array.from({ length: count }, () => mean));
}

/** Values at the sizes 0..maxSize + 1. One point alone says nothing about the slope: there it is proportional. */
function tabulate(sizes: readonly number[], values: readonly number[], maxSize: number): Float64Array {
  const table = new Float64Array(maxSize + 2);
  const [firstSize = 1, firstValue = 0] = [sizes[0], values[0]];
  if (sizes.length === 1) return table.map((_, size) => (firstValue * Math.max(size, 1)) / firstSize);
  let right = 1;
  for (let size = 0; size < table.length; size++) {
    while (right < sizes.length - 1 && (sizes[right] ?? 0) < size) right++;
    const [leftSize = 0, rightSize = 0] = [sizes[right - 1], sizes[right]];
    const [leftValue = 0, rightValue = 0] = [values[right - 1], values[right]];
    const slope = (rightValue - leftValue) / (rightSize - leftSize);
    // A straight line to the left of the first point may fall below nothing.
    table[size] = Math.max(leftValue + (size - leftSize) * slope, firstValue / 1_000);
  }
  return table;
}
