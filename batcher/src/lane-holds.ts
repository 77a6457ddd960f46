const FIRST_HOLD_MS = 100;
const MAX_HOLD_MS = 2_000;
/** A probe of which nothing is heard for so long is over: its message was lost, or it will take its time. */
const PROBE_MS = 5_000;

/** A lane, and the pool that runs its batches: what is broken in one zone may be whole in another. */
export interface Route {
  readonly lane: string;
  readonly pool: string;
}

interface Hold {
  /** Batches in a row that came back whole, each published after the one before had come back. */
  readonly returns: number;
  /** When the last of them came back, monotonic milliseconds. */
  readonly returnedMs: number;
  /** Nothing of the lane leaves before, monotonic milliseconds. */
  readonly untilMs: number;
}

/**
 * Keeps a lane whose batches come back from taking the places of others. A model that is broken or missing would
 * else be published again at once, and occupy the slots of its pool for nothing.
 *
 *   free ──2nd return in a row──▶ held ──hold over──▶ one batch leaves ──returned──▶ held, twice as long
 *    ▲                             │                        │
 *    └──────── a batch is done ────┴────────────────────────┘
 *
 * The first return costs nothing: a worker that stops gives back what it has not begun, and others wait for it.
 */
export class LaneHolds {
  readonly #holds = new Map<string, Hold>();

  /** Until when nothing of the lane may leave for the pool, monotonic milliseconds; -Infinity if it may leave now. */
  untilMs(route: Route): number {
    return this.#holds.get(nameOf(route))?.untilMs ?? -Infinity;
  }

  /** A batch of the lane has left for the pool. While the lane is in trouble there, it is the only one. */
  published(route: Route, nowMs: number): void {
    const hold = this.#holds.get(nameOf(route));
    if (hold && hold.returns > 1) this.#holds.set(nameOf(route), { ...hold, untilMs: nowMs + PROBE_MS });
  }

  /** A batch of the lane was given back, all of it. */
  returned({ publishedMs, ...route }: Route & { readonly publishedMs: number }, nowMs: number): void {
    const hold = this.#holds.get(nameOf(route));
    // It was out together with the one that came back before it, and tells nothing new.
    if (hold && publishedMs < hold.returnedMs) return;
    const returns = (hold?.returns ?? 0) + 1;
    const holdMs = returns === 1 ? 0 : Math.min(MAX_HOLD_MS, FIRST_HOLD_MS * 2 ** (returns - 2));
    this.#holds.set(nameOf(route), { returns, returnedMs: nowMs, untilMs: nowMs + holdMs });
  }

  /** A batch of the lane was done. */
  done(route: Route): void {
    this.#holds.delete(nameOf(route));
  }
}

function nameOf({ lane, pool }: Route): string {
  return `${lane} ${pool}`;
}
