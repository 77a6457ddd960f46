import { type Admission, Breaker, BREAKER_LIMITS, type BreakerLimits, type BreakerState } from "./breaker.js";
import { type OpenCall, type PeerTimes, Slowness, SLOWNESS_LIMITS, type SlownessLimits } from "./slowness.js";

/** What an endpoint may do: all its slots, one of them to see, or none. */
export type Rotation = "all" | "one" | "none";

/** What a call came to; `unknown` says nothing of the endpoint. */
export type CallEnd = "answered" | "refused" | "failed" | "unknown";

/** When endpoints are left alone. Infinity turns a rule off. */
export interface HealthLimits {
  readonly breaker: BreakerLimits;
  readonly slowness: SlownessLimits;
  /** After so long without any answer an endpoint is dead, and what it has in hand is taken from it. */
  readonly silenceMs: number;
}

/** With a look every 50 ms and a probe every 250 ms, a server that stops is out after 1.5 s at the latest. */
export const HEALTH_LIMITS: HealthLimits = {
  breaker: BREAKER_LIMITS,
  slowness: SLOWNESS_LIMITS,
  silenceMs: 1_200,
};

/** What the other endpoints take that could do a model now; undefined if there are none. */
export type Peers = (model: string) => PeerTimes | undefined;

interface ModelHealth {
  readonly breaker: Breaker;
  readonly slowness: Slowness;
  usedMs: number;
}

/** A model that nobody asked for says nothing of its endpoint. */
const USED_MS = 60_000;

/**
 * The breakers of one endpoint, by model, and what opens them. Models are named by their keys (`formatModelKey`): versions
 * are models of their own. All times are monotonic milliseconds.
 */
export class EndpointHealth {
  readonly #models = new Map<string, ModelHealth>();
  readonly #limits: HealthLimits;
  readonly #peers: Peers;
  /** Left alone for being slow since the last look. */
  readonly #slow = new Set<string>();

  /** @param peers an endpoint without peers is never left alone for being slow: slow is better than nothing. */
  constructor(peers: Peers, limits: HealthLimits = HEALTH_LIMITS) {
    this.#peers = peers;
    this.#limits = limits;
  }

  /** Whether a batch of a model may run. `end` must be called when it has. */
  admit(model: string, nowMs: number): { readonly end: () => void } | undefined {
    const { breaker } = this.#of(model, nowMs);
    const admission: Admission | undefined = breaker.admit(nowMs);
    return admission && { end: () => breaker.ended(admission) };
  }

  /** A call begins; what is returned is told how it ended. */
  callBegins(model: string, rows: number, nowMs: number): (end: CallEnd, nowMs: number) => void {
    const health = this.#of(model, nowMs);
    const call = health.slowness.begin(rows, nowMs);
    return (end, endMs) => this.#callEnds({ model, health, call }, end, endMs);
  }

  /** The model does not even do what it is known to do. */
  failed(model: string, nowMs: number): void {
    this.#of(model, nowMs).breaker.failed(nowMs);
  }

  /**
   * The rows of a batch, each alone, were not done, nor was anything else that was tried. Only where it is proven, and
   * another endpoint could do the model, is it left alone at once: else one bad input would take a model from everybody.
   * @returns whether it is.
   */
  blamed(model: string, isProven: boolean, nowMs: number): boolean {
    const { breaker } = this.#of(model, nowMs);
    const isLeft = isProven && this.#peers(model) !== undefined;
    if (isLeft) breaker.trip(nowMs);
    else if (!isProven) breaker.failed(nowMs);
    return isLeft;
  }

  /**
   * Looks for calls that are late; one that is to see whether the model works again may not even be late once.
   * @returns the models that were left alone for being slow since the last look: what runs of them is to be taken back.
   */
  look(nowMs: number): string[] {
    for (const [model, { breaker, slowness }] of this.#models) {
      const state = breaker.state(nowMs);
      if (state === "closed" && slowness.isLasting(this.#peers(model), nowMs)) this.#leave(model, breaker, nowMs);
      if (state === "half-open" && slowness.isAnyLate(this.#peers(model), nowMs)) this.#leave(model, breaker, nowMs);
    }
    const slow = [...this.#slow];
    this.#slow.clear();
    return slow;
  }

  /** It may do all as long as any model works there; one of which nothing was seen lately is thought to. @param models that it serves. */
  rotation(nowMs: number, models: readonly string[]): Rotation {
    const used = [...this.#models].filter(([, { usedMs }]) => nowMs - usedMs < USED_MS);
    const states = used.map(([, { breaker }]) => breaker.state(nowMs));
    const isUnseen = (model: string): boolean => !used.some(([name]) => name === model);
    if (states.length === 0 || states.includes("closed") || models.some(isUnseen)) return "all";
    return states.includes("half-open") ? "one" : "none";
  }

  /** Of the models that were ever used here. */
  states(nowMs: number): { readonly model: string; readonly state: BreakerState }[] {
    return [...this.#models].map(([model, { breaker }]) => ({ model, state: breaker.state(nowMs) }));
  }

  /** How much longer than usual its calls take; undefined if the model is not to be run there. */
  stretch(model: string, nowMs: number): number | undefined {
    const health = this.#models.get(model);
    if (!health) return 1;
    return health.breaker.state(nowMs) === "closed" ? health.slowness.stretch(nowMs) : undefined;
  }

  /** Milliseconds that so many rows of a model usually take; undefined if that is not known. */
  usualMs(model: string, rows: number): number | undefined {
    return this.#models.get(model)?.slowness.usualMs(rows);
  }

  #callEnds(
    { model, health, call }: { readonly model: string; readonly health: ModelHealth; readonly call: OpenCall },
    end: CallEnd,
    nowMs: number,
  ): void {
    const { breaker, slowness } = health;
    if (end !== "answered") slowness.drop(call, nowMs);
    if (end === "failed") breaker.failed(nowMs);
    if (end === "refused") breaker.answered(nowMs);
    if (end !== "answered") return;
    const peers = this.#peers(model);
    const isSlow = slowness.end(call, peers, nowMs);
    if (!isSlow) breaker.answered(nowMs);
    else if (breaker.state(nowMs) === "half-open" || slowness.isLasting(peers, nowMs))
      this.#leave(model, breaker, nowMs);
  }

  /** For being slow. */
  #leave(model: string, breaker: Breaker, nowMs: number): void {
    if (breaker.state(nowMs) === "open") return;
    breaker.trip(nowMs);
    this.#slow.add(model);
  }

  #of(model: string, nowMs: number): ModelHealth {
    let health = this.#models.get(model);
    if (!health) {
      const { breaker, slowness } = this.#limits;
      health = { breaker: new Breaker(breaker), slowness: new Slowness(slowness), usedMs: nowMs };
      this.#models.set(model, health);
    }
    health.usedMs = nowMs;
    return health;
  }
}
