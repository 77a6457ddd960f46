/** How a window went. */
export type WindowEnd =
  /** All slots were in use: rows per second. */
  { readonly kind: "full"; readonly rate: number } | { readonly kind: "unsaturated" };

/** A window is long enough when it has lasted so long and seen so many batches... */
const LEAST_MS = 1_000;
const ENOUGH_BATCHES = 24;
/** ...or, where batches take long, after this time, if there were a few at least. */
const LONGEST_MS = 15_000;
const FEW_BATCHES = 8;
/** Which part of the slots' time must have been in use. The rest is the pull of the next batch. */
const FULL = 0.75;
/** After a change of depth nothing is measured for so long: slots join and leave, and what they had has to end. */
const SETTLE_MS = 300;

/**
 * Measures the throughput of windows during which the slots of an endpoint were in use, from the end of one batch to the
 * end of another, so that no window cuts a batch in two. Monotonic milliseconds.
 */
export class FullWindows {
  #slots = 1;
  #inUse = 0;
  #movedMs = 0;
  #settleUntilMs = -Infinity;
  #batchesToSettle = 0;
  #window: { readonly sinceMs: number; rows: number; batches: number; usedMs: number } | undefined;

  /** From now on so many slots may be in use; what was measured of a window is forgotten. */
  restart(slots: number, nowMs: number): void {
    this.#slots = slots;
    this.#window = undefined;
    this.#settleUntilMs = nowMs + SETTLE_MS;
    this.#batchesToSettle = 2 * slots;
  }

  /** A slot has taken a batch. */
  begin(nowMs: number): void {
    this.#move(nowMs);
    this.#inUse++;
  }

  /** A slot has ended its batch. @param rows those that it served. @returns the window that ended with it. */
  end(rows: number, nowMs: number): WindowEnd | undefined {
    this.#move(nowMs);
    this.#inUse--;
    if (!this.#window) {
      this.#batchesToSettle--;
      if (this.#batchesToSettle < 0 && nowMs >= this.#settleUntilMs) this.#open(nowMs);
      return undefined;
    }
    this.#window.rows += rows;
    this.#window.batches++;
    return this.#closed(nowMs);
  }

  /** Time passes without the end of a batch. @returns a window that came to nothing because there is too little to do. */
  look(nowMs: number): WindowEnd | undefined {
    if (nowMs - (this.#window?.sinceMs ?? this.#settleUntilMs) < 2 * LONGEST_MS) return undefined;
    this.#window = undefined;
    this.#settleUntilMs = nowMs;
    return { kind: "unsaturated" };
  }

  #closed(nowMs: number): WindowEnd | undefined {
    if (!this.#window) return undefined;
    const { sinceMs, rows, batches, usedMs } = this.#window;
    const ms = nowMs - sinceMs;
    const isLong = ms >= LONGEST_MS;
    if (!isLong && (ms < LEAST_MS || batches < ENOUGH_BATCHES)) return undefined;
    this.#open(nowMs);
    if (batches < FEW_BATCHES || rows === 0 || usedMs < FULL * ms * this.#slots) return { kind: "unsaturated" };
    return { kind: "full", rate: (rows * 1_000) / ms };
  }

  #open(nowMs: number): void {
    this.#window = { sinceMs: nowMs, rows: 0, batches: 0, usedMs: 0 };
  }

  #move(nowMs: number): void {
    if (this.#window) this.#window.usedMs += Math.min(this.#inUse, this.#slots) * (nowMs - this.#movedMs);
    this.#movedMs = nowMs;
  }
}
