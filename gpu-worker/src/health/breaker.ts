/** `closed`: batches run. `open`: none does. `half-open`: one at a time does, to see. */
export type BreakerState = "closed" | "half-open" | "open";

/** How a batch was let in. */
export type Admission = "usual" | "trial";

/** When a breaker opens, and for how long. */
export interface BreakerLimits {
  /** So many calls in a row must fail. */
  readonly failures: number;
  /** First and longest time that it stays open; it doubles with each trial that fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/** Half of the longest time and the trial itself fit into five seconds. */
export const BREAKER_LIMITS: BreakerLimits = { failures: 3, openMs: 500, maxOpenMs: 2_000 };

/**
 * Keeps the batches of one model from one endpoint that does not do them. All times are monotonic milliseconds.
 *
 *   closed ──failures in a row, or tripped──▶ open ──time is over──▶ half-open ──answer──▶ closed
 *                                              ▲                        │
 *                                              └──failure, or tripped───┘
 */
export class Breaker {
  readonly #limits: BreakerLimits;
  #failures = 0;
  /** How often it opened since it was last closed. */
  #opened = 0;
  #untilMs = 0;
  #isTrialOut = false;

  constructor(limits: BreakerLimits = BREAKER_LIMITS) {
    this.#limits = limits;
  }

  state(nowMs: number): BreakerState {
    if (this.#opened === 0) return "closed";
    return nowMs < this.#untilMs ? "open" : "half-open";
  }

  /** Whether a batch may run now, and as what; what was let in must be told by `ended`. */
  admit(nowMs: number): Admission | undefined {
    const state = this.state(nowMs);
    if (state === "closed") return "usual";
    if (state === "open" || this.#isTrialOut) return undefined;
    this.#isTrialOut = true;
    return "trial";
  }

  /** A batch that was let in has ended, whatever came of it. */
  ended(admission: Admission): void {
    if (admission === "trial") this.#isTrialOut = false;
  }

  /** A call was answered. What was sent before it opened proves nothing. */
  answered(nowMs: number): void {
    if (this.state(nowMs) === "open") return;
    this.#failures = 0;
    this.#opened = 0;
  }

  /** A call failed. */
  failed(nowMs: number): void {
    const state = this.state(nowMs);
    if (state === "half-open" || (state === "closed" && ++this.#failures >= this.#limits.failures)) this.trip(nowMs);
  }

  /** Something else says that it must be left alone. */
  trip(nowMs: number): void {
    if (this.state(nowMs) === "open") return;
    this.#failures = 0;
    this.#untilMs = nowMs + Math.min(this.#limits.maxOpenMs, this.#limits.openMs * 2 ** this.#opened);
    this.#opened++;
  }
}
