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

/** The other endpoints that could do the same. */
export interface PeerTimes {
  /** The least of their stretches. */
  readonly stretch: number;
  /** Milliseconds that so many rows usually take on the best of them; undefined if none knows. */
  readonly usualMs: (rows: number) => number | undefined;
}

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
/** A call that is so much later than late, and so old, is enough by itself: one slot has no second. */
const HANGING_FACTOR = 4;
const HANGING_MS = 2_000;

/**
 * Whether calls of one model to one endpoint take much longer than they usually do, and than those to its peers: load that
 * all share slows all of them, and one that is still faster than its peers is none to leave. All times are monotonic
 * milliseconds; without peers nothing is slow.
 */
export class Slowness {
  readonly #limits: SlownessLimits;
  readonly #open = new Set<OpenCall>();
  #usual = new UsualTimes();
  #slowCalls = 0;
  /** When the calls began that are slow without an exception. */
  #sinceMs: number | undefined;
  /** When a call was last answered in time. */
  #inTimeMs = -Infinity;
  /** When the last call ended, if none is open. */
  #idleSinceMs = Infinity;
  #stretch: { value: number; readonly atMs: number } | undefined;

  constructor(limits: SlownessLimits = SLOWNESS_LIMITS) {
    this.#limits = limits;
  }

  /** How much longer than usual calls have taken lately; 1 if there were none. */
  stretch(nowMs: number): number {
    return this.#stretch && nowMs - this.#stretch.atMs < STALE_MS ? this.#stretch.value : 1;
  }

  /** What so many rows usually take; undefined while nothing is known. */
  usualMs(rows: number): number | undefined {
    return this.#usual.usualMs(rows);
  }

  begin(rows: number, nowMs: number): OpenCall {
    if (this.#isIdle(nowMs)) this.#beginAnew();
    this.#idleSinceMs = Infinity;
    const call = { rows, startedMs: nowMs };
    this.#open.add(call);
    return call;
  }

  /** A call ended without an answer, or with one that says nothing of its time. */
  drop(call: OpenCall, nowMs: number): void {
    this.#open.delete(call);
    if (this.#open.size === 0) this.#idleSinceMs = nowMs;
  }

  /** A call was answered. @returns whether it was slow. */
  end(call: OpenCall, peers: PeerTimes | undefined, nowMs: number): boolean {
    this.drop(call, nowMs);
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
      this.#inTimeMs = nowMs;
      this.#beginAnew();
    }
    return isSlow;
  }

  /** Whether all calls have been slow for long enough; those that are not answered yet count when they are late. */
  isLasting(peers: PeerTimes | undefined, nowMs: number): boolean {
    if (this.#isIdle(nowMs)) return false;
    const late = [...this.#open].filter((call) => this.#isSlow(call, peers, nowMs));
    if (late.some((call) => this.#isHanging(call, peers, nowMs))) return true;
    const sinceMs = Math.min(this.#sinceMs ?? Infinity, ...late.map(({ startedMs }) => startedMs));
    return this.#slowCalls + late.length >= this.#limits.calls && nowMs - sinceMs >= this.#limits.lastingMs;
  }

  /** Whether any call that is not answered yet is late. */
  isAnyLate(peers: PeerTimes | undefined, nowMs: number): boolean {
    return [...this.#open].some((call) => this.#isSlow(call, peers, nowMs));
  }

  /** What was usual is not any more. */
  #forget(): void {
    this.#usual = new UsualTimes();
    this.#stretch = undefined;
    this.#beginAnew();
  }

  /** What was slow before says nothing. */
  #beginAnew(): void {
    this.#slowCalls = 0;
    this.#sinceMs = undefined;
  }

  #isIdle(nowMs: number): boolean {
    return nowMs - this.#idleSinceMs >= STALE_MS;
  }

  #isSlow({ rows, startedMs }: OpenCall, peers: PeerTimes | undefined, nowMs: number): boolean {
    return nowMs - startedMs > this.#lateAfterMs(rows, peers);
  }

  /** Unless others were answered in time meanwhile: then it is that input which takes so long. */
  #isHanging({ rows, startedMs }: OpenCall, peers: PeerTimes | undefined, nowMs: number): boolean {
    const hangingMs = Math.max(HANGING_MS, HANGING_FACTOR * this.#lateAfterMs(rows, peers));
    return this.#inTimeMs <= startedMs && nowMs - startedMs >= hangingMs;
  }

  #lateAfterMs(rows: number, peers: PeerTimes | undefined): number {
    const { factor, floorMs } = this.#limits;
    const usualMs = this.#usual.usualMs(rows);
    if (usualMs === undefined || !peers) return Infinity;
    return Math.max(factor * Math.max(1, peers.stretch) * usualMs + floorMs, peers.usualMs(rows) ?? 0);
  }
}
