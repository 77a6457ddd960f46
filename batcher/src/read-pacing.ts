/** Pauses between reads, in milliseconds; see `readPauseMs`. */
export interface ReadPacing {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Every wake-up costs a batcher as much as reading some twenty references, so references that come while nothing can
 * leave are read together. Measured with the rest of the system on the same two cores: 500 tasks/s cost 238 us CPU
 * each with a pause of 2 ms, 188 with 10; 1,500/s cost 93 and 68; at 2,700/s it makes little difference (29 and 27).
 */
export const DEFAULT_READ_PACING: ReadPacing = { minMs: 2, maxMs: 10 };

/** What waits in one queue, as far as the next read is concerned. */
export interface FillingBatch {
  /** Rows that are missing until the batch is full; 0 or less when it is. */
  readonly missing: number;
  /** Until it leaves as it is, milliseconds. */
  readonly dueInMs: number;
}

/**
 * How long to wait before the next read, after one that took all there was: until the first batch is likely to be
 * full, or due. What waits unread meanwhile loses nothing: its waiting time counts from its admission.
 * @param perMs how many references come in a millisecond, lately.
 */
export function readPauseMs(batches: readonly FillingBatch[], perMs: number, pacing: ReadPacing): number {
  let pauseMs = pacing.maxMs;
  for (const { missing, dueInMs } of batches) {
    // A batch that is full or due and still here waits for a credit: reading more does not help it.
    if (missing <= 0 || dueInMs <= 0) continue;
    pauseMs = Math.min(pauseMs, dueInMs, missing / perMs);
  }
  return Math.max(pacing.minMs, pauseMs);
}

/** Follows how many references come in a millisecond. */
export class ArrivalRate {
  #perMs = 0;
  #countedAtMs: number | undefined;

  get perMs(): number {
    return this.#perMs;
  }

  /** @param count what came since the last call. */
  count(count: number, nowMs: number): void {
    if (this.#countedAtMs !== undefined) {
      const elapsedMs = Math.max(0.1, nowMs - this.#countedAtMs);
      // Half of what is known is replaced in about 20 ms: a burst is seen within a batch.
      const weight = 1 - Math.exp(-elapsedMs / 30);
      this.#perMs += weight * (count / elapsedMs - this.#perMs);
    }
    this.#countedAtMs = nowMs;
  }
}
