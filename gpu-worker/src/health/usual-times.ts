/** So many calls of a size must be known. */
const CALLS_TO_KNOW = 10;
/** So many are kept. */
const CALLS_KEPT = 31;

/** How long the calls of one model to one endpoint usually take, by size. */
export class UsualTimes {
  readonly #sizes = new Map<number, { readonly newestMs: number[]; medianMs: number }>();

  /** Takes a call into account that was not slow. */
  learn(rows: number, ms: number): void {
    const key = sizeOf(rows);
    const size = this.#sizes.get(key) ?? { newestMs: [], medianMs: 0 };
    this.#sizes.set(key, size);
    size.newestMs.push(ms);
    if (size.newestMs.length > CALLS_KEPT) size.newestMs.shift();
    // The first calls on a connection take long; a median does not mind.
    size.medianMs = size.newestMs.toSorted((a, b) => a - b)[size.newestMs.length >> 1] ?? ms;
  }

  /**
   * Milliseconds for so many rows; where that size is not known the next larger one's, which takes no less, or that of the
   * next smaller one for each of its rows, which a batch does not exceed. Undefined while nothing is known.
   */
  usualMs(rows: number): number | undefined {
    const key = sizeOf(rows);
    const known = [...this.#sizes].filter(([, { newestMs }]) => newestMs.length >= CALLS_TO_KNOW);
    known.sort(([a], [b]) => a - b);
    const next = known.find(([size]) => size >= key);
    if (next) return next[1].medianMs;
    const last = known.at(-1);
    return last && last[1].medianMs * 2 ** ((key - last[0]) / 2);
  }
}

/** Sizes are told apart in steps of 41 %. */
function sizeOf(rows: number): number {
  return Math.round(2 * Math.log2(Math.max(1, rows)));
}
