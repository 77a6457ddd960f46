/** How fast the mean follows: about the latest 20 arrivals decide. */
const SHARE = 0.05;

/** The mean time between arrivals of one lane, weighted towards the latest. */
export class ArrivalGap {
  #meanMs = Infinity;
  #lastMs = -Infinity;

  /** Milliseconds; Infinity before the second arrival. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /** When the latest came, monotonic milliseconds; -Infinity before the first. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Arrivals a second, fewer the longer none has come; 0 before the second arrival. */
  perSecond(nowMs: number): number {
    return 1_000 / Math.max(this.#meanMs, nowMs - this.#lastMs);
  }

  /** @param count arrivals that were seen together, one at least. */
  arrived(nowMs: number, count = 1): void {
    const gapMs = (nowMs - this.#lastMs) / count;
    this.#lastMs = nowMs;
    if (!Number.isFinite(gapMs)) return;
    if (this.#meanMs === Infinity) this.#meanMs = gapMs;
    else this.#meanMs += (1 - (1 - SHARE) ** count) * (gapMs - this.#meanMs);
  }
}
