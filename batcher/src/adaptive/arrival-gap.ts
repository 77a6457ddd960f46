/** How fast the mean follows: about the latest 20 arrivals decide. */
const SHARE = 0.05;

/** The mean time between arrivals of one lane, weighted towards the latest. */
export class ArrivalGap {
  #meanMs = Infinity;
  #lastMs = -Infinity;
  #total = 0;

  /** Milliseconds; Infinity before the second arrival. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /** When the latest came, monotonic milliseconds; -Infinity before the first. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** How many have arrived, ever. */
  get total(): number {
    return this.#total;
  }

  /** @param count arrivals that were seen together, one at least. */
  arrived(nowMs: number, count = 1): void {
    const gapMs = (nowMs - this.#lastMs) / count;
    this.#lastMs = nowMs;
    this.#total += count;
    if (!Number.isFinite(gapMs)) return;
    if (this.#meanMs === Infinity) this.#meanMs = gapMs;
    else this.#meanMs += (1 - (1 - SHARE) ** count) * (gapMs - this.#meanMs);
  }
}
