/** How fast the mean follows: about the latest 20 arrivals decide. */
const SHARE = 0.05;
/** How fast the steady mean follows: about the latest 100 decide. */
const STEADY_SHARE = 0.01;

/** The mean time between arrivals of one lane, weighted towards the latest. */
export class ArrivalGap {
  #meanMs = Infinity;
  #steadyMs = Infinity;
  #lastMs = -Infinity;
  #total = 0;

  /** Milliseconds; Infinity before the second arrival. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /** The same over more arrivals: for what depends on it so steeply that the noise of a few would decide. */
  get steadyMs(): number {
    return this.#steadyMs;
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
    this.#meanMs = followed(this.#meanMs, gapMs, 1 - (1 - SHARE) ** count);
    this.#steadyMs = followed(this.#steadyMs, gapMs, 1 - (1 - STEADY_SHARE) ** count);
  }
}

function followed(meanMs: number, gapMs: number, share: number): number {
  return meanMs === Infinity ? gapMs : meanMs + share * (gapMs - meanMs);
}
