/** A call that was answered. */
export interface AnsweredCall {
  readonly model: string;
  readonly rows: number;
  readonly startedMs: number;
}

/** So many calls of one size make a mean: fewer may be slow, or quick, by chance. */
const CALLS_OF_SIZE = 10;
/** So many calls make a window: the calls that it cuts in two must not count for much. */
const CALLS = 20;
/** For how long what was fastest counts: then what has lasted is what is usual. */
const HORIZON_MS = 300_000;
/** A base that is so much lower than before, as after a time with fewer calls in flight, begins everything anew. */
const LOWER = 0.9;
/** So long after the last call nothing is known any more. */
const IDLE_MS = 5_000;

/**
 * How much longer the calls to an endpoint take than usual, whatever mix of models and sizes they are, and however many
 * are in flight. All times are monotonic milliseconds.
 *
 * The base of a call is the fastest mean that calls of its model and size had. In a window the answered calls took W times
 * the sum of their bases. By Little's law a healthy endpoint has W between 1 (it runs all calls beside each other) and c
 * (one after another), where c is how many were in flight on average. What it is, is learned for each c; growth is how
 * far W is above that. So calls that wait for our own other calls are no growth, and a batch that is larger is none.
 */
export class LatencyGrowth {
  readonly #bases = new Map<string, Base>();
  readonly #usual = new Map<number, RecentLeast>();
  readonly #window = { calls: 0, callMs: 0, baseMs: 0, busyMs: 0, inFlightMs: 0 };
  #inFlight = 0;
  #movedMs = 0;
  #growth: number | undefined;
  #answeredMs = -Infinity;

  /** A call is sent. */
  begin(nowMs: number): void {
    this.#move(nowMs);
    this.#inFlight++;
  }

  /** A call has ended. @param call undefined if it failed: how long that took says nothing. */
  end(call: AnsweredCall | undefined, nowMs: number): void {
    this.#move(nowMs);
    this.#inFlight--;
    if (!call) return;
    this.#answeredMs = nowMs;
    const ms = nowMs - call.startedMs;
    const base = this.#baseOf(call, ms, nowMs);
    if (base === undefined) return;
    this.#window.calls++;
    this.#window.callMs += ms;
    this.#window.baseMs += base;
    if (this.#window.calls >= CALLS) this.#close(nowMs);
  }

  /** 1 = as usual; undefined if nothing is known, or was answered for a while. */
  growth(nowMs: number): number | undefined {
    return this.#inFlight === 0 && nowMs - this.#answeredMs > IDLE_MS ? undefined : this.#growth;
  }

  #move(nowMs: number): void {
    const ms = nowMs - this.#movedMs;
    this.#movedMs = nowMs;
    if (this.#inFlight === 0) return;
    this.#window.busyMs += ms;
    this.#window.inFlightMs += ms * this.#inFlight;
  }

  /** Sizes are told apart in steps of 19 %. */
  #baseOf({ model, rows }: AnsweredCall, ms: number, nowMs: number): number | undefined {
    const key = `${Math.round(4 * Math.log2(Math.max(1, rows)))}:${model}`;
    const base = this.#bases.get(key) ?? { mean: new CallMean(), least: new RecentLeast(), anchor: 0 };
    this.#bases.set(key, base);
    const mean = base.mean.add(ms);
    if (mean === undefined) return base.least.value;
    base.least.add(mean, nowMs);
    const least = base.least.value ?? mean;
    // What was usual was measured in larger bases.
    if (least < LOWER * base.anchor) this.#usual.clear();
    if (least < LOWER * base.anchor || base.anchor === 0) base.anchor = least;
    return least;
  }

  #close(nowMs: number): void {
    const { callMs, baseMs, busyMs, inFlightMs } = this.#window;
    Object.assign(this.#window, { calls: 0, callMs: 0, baseMs: 0, busyMs: 0, inFlightMs: 0 });
    const stretch = callMs / Math.max(baseMs, Number.MIN_VALUE);
    const inFlight = Math.max(1, inFlightMs / Math.max(busyMs, Number.MIN_VALUE));
    const level = Math.round(2 * inFlight) / 2;
    const usual = this.#usual.get(level) ?? new RecentLeast();
    this.#usual.set(level, usual);
    usual.add(Math.max(1, Math.min(stretch, inFlight)), nowMs);
    this.#growth = stretch / (usual.value ?? 1);
  }
}

/** What is known of calls of one model and size. */
interface Base {
  readonly mean: CallMean;
  readonly least: RecentLeast;
  /** The base when what is usual was last begun anew. */
  anchor: number;
}

/** The mean of each ten calls, when there are ten. */
class CallMean {
  #calls = 0;
  #sumMs = 0;

  add(ms: number): number | undefined {
    this.#sumMs += ms;
    if (++this.#calls < CALLS_OF_SIZE) return undefined;
    const mean = this.#sumMs / this.#calls;
    this.#calls = 0;
    this.#sumMs = 0;
    return mean;
  }
}

/** The least of what was added within the horizon, or half of it: two halves, the older one goes when the newer is full. */
class RecentLeast {
  #older = Infinity;
  #newer = Infinity;
  #newerSinceMs: number | undefined;

  add(value: number, nowMs: number): void {
    this.#newerSinceMs ??= nowMs;
    if (nowMs - this.#newerSinceMs >= HORIZON_MS / 2) {
      this.#older = this.#newer;
      this.#newer = Infinity;
      this.#newerSinceMs = nowMs;
    }
    this.#newer = Math.min(this.#newer, value);
  }

  get value(): number | undefined {
    const least = Math.min(this.#older, this.#newer);
    return least < Infinity ? least : undefined;
  }
}
