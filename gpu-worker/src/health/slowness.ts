import { UsualTimes } from "./usual-times.js";

/** When an endpoint counts as slow. */
export interface SlownessLimits {
  /** So much longer than usual is slow, for calls to it against those to its peers; */
  readonly factor: number;
  /** and by so much at least: less is what a busy machine adds. */
  readonly floorMs: number;
  /** For so long every call must have been slow; */
  readonly lastingMs: number;
  /** and so many of them. */
  readonly calls: number;
}

export const SLOWNESS_LIMITS: SlownessLimits = { factor: 4, floorMs: 10, lastingMs: 1_000, calls: 2 };

/** A call that has not ended. */
export interface OpenCall {
  readonly rows: number;
  readonly startedMs: number;
}

/** Stretch of the newest call in the mean of the last few. */
const WEIGHT_OF_NEWEST = 0.3;
/** A mean of calls that are older than this says nothing. */
const STALE_MS = 5_000;
/** What has been slow for so long is what is usual now. */
const FORGET_MS = 60_000;

/**
 * Whether calls of one model to one endpoint take much longer than they usually do, and than those to its peers: load that
 * all share slows all of them. All times are monotonic milliseconds.
 */
export class Slowness {
  readonly #limits: SlownessLimits;
  readonly #open = new Set<OpenCall>();
  #usual = new UsualTimes();
  #slowCalls = 0;
  /** When the calls began that are slow without an exception. */
  #sinceMs: number | undefined;
  #stretch: { value: number; readonly atMs: number } | undefined;

  constructor(limits: SlownessLimits = SLOWNESS_LIMITS) {
    this.#limits = limits;
  }

  /** How much longer than usual calls have taken lately; 1 if there were none. */
  stretch(nowMs: number): number {
    return this.#stretch && nowMs - this.#stretch.atMs < STALE_MS ? this.#stretch.value : 1;
  }

  begin(rows: number, nowMs: number): OpenCall {
    const call = { rows, startedMs: nowMs };
    this.#open.add(call);
    return call;
  }

  /** A call ended without an answer, or with one that says nothing of its time. */
  drop(call: OpenCall): void {
    this.#open.delete(call);
  }

  /** A call was answered. @param peers the least stretch of another endpoint. @returns whether it was slow. */
  end(call: OpenCall, peers: number, nowMs: number): boolean {
    this.#open.delete(call);
    const ms = nowMs - call.startedMs;
    const usualMs = this.#usual.usualMs(call.rows);
    if (usualMs !== undefined) {
      const last = this.stretch(nowMs);
      this.#stretch = { value: last + WEIGHT_OF_NEWEST * (ms / Math.max(1, usualMs) - last), atMs: nowMs };
    }
    if (this.#sinceMs !== undefined && nowMs - this.#sinceMs >= FORGET_MS) this.#forget();
    const isSlow = this.#isSlow(call, peers, nowMs);
    if (isSlow) {
      this.#slowCalls++;
      this.#sinceMs ??= call.startedMs;
    } else {
      this.#usual.learn(call.rows, ms);
      this.#slowCalls = 0;
      this.#sinceMs = undefined;
    }
    return isSlow;
  }

  /** Whether all calls have been slow for long enough; those that are not answered yet count when they are late. */
  isLasting(peers: number, nowMs: number): boolean {
    const late = [...this.#open].filter((call) => this.#isSlow(call, peers, nowMs));
    const sinceMs = Math.min(this.#sinceMs ?? Infinity, ...late.map(({ startedMs }) => startedMs));
    return this.#slowCalls + late.length >= this.#limits.calls && nowMs - sinceMs >= this.#limits.lastingMs;
  }

  /** What was usual is not any more. */
  #forget(): void {
    this.#usual = new UsualTimes();
    this.#slowCalls = 0;
    this.#sinceMs = undefined;
    this.#stretch = undefined;
  }

  #isSlow({ rows, startedMs }: OpenCall, peers: number, nowMs: number): boolean {
    const { factor, floorMs } = this.#limits;
    const usualMs = this.#usual.usualMs(rows);
    return usualMs !== undefined && nowMs - startedMs > factor * Math.max(1, peers) * usualMs + floorMs;
  }
}
