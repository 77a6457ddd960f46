import { judgeTrial, type RatePair } from "./depth-trial.js";

/**
 * The first trial comes so soon after saturation began, the next one in its direction after twice as long, and so on. A step
 * up costs nothing but some latency while it is tried; a step down costs throughput, and seldom brings anything.
 */
const FIRST_INTERVAL_MS = { up: 10_000, down: 60_000 };
const LONGEST_INTERVAL_MS = 600_000;
/**
 * One batch in flight leaves the endpoint idle while the next is claimed, so this step is almost always in vain; and where
 * calls then take half as long for some seconds, what was promised by the longer times is late, and the other way round
 * (three times the load: 5 % of what was accepted in 20 s).
 */
const LEAST_USUAL = 2;

type Direction = "up" | "down";

/** When a direction is tried again: `intervalMs` after saturation began, or after the last trial. */
interface Schedule {
  intervalMs: number;
  dueMs: number | undefined;
}

interface Trial {
  readonly direction: Direction;
  readonly from: number;
  readonly to: number;
  readonly rates: { readonly depth: number; readonly rate: number }[];
}

/**
 * Finds how many batches in flight an endpoint makes most of, by hill climbing between 1 and `most`. It is told the
 * throughput of windows in which all of them were in use (otherwise depth changes nothing), and says which depth to
 * use in the next one:
 *
 *   resting ──due──▶ trying one more, or one less: windows at both depths in the order ABBA
 *      ▲                │
 *      └──keep or back──┘    back: this direction waits twice as long, up to ten minutes; so long at once from 2 to 1
 *
 * Times are monotonic milliseconds. Where load ends in the middle, the trial is forgotten and repeated.
 */
export class DepthClimber {
  readonly #most: number;
  readonly #schedules: Record<Direction, Schedule>;
  #depth: number;
  #trial: Trial | undefined;

  /** @param start the depth to begin with, 1 to `most`. */
  constructor(options: { readonly most: number; readonly start: number }) {
    this.#most = options.most;
    this.#depth = options.start;
    this.#schedules = { up: this.#fresh("up"), down: this.#fresh("down") };
  }

  /** The depth to use now: in a trial one of two. */
  get depth(): number {
    const { rates, from, to } = this.#trial ?? { rates: [], from: this.#depth, to: this.#depth };
    // A, B, B, A, A, B, B, A: the order within pairs alternates, so that a drift favours neither.
    return this.#trial === undefined || [0, 3].includes(rates.length % 4) ? from : to;
  }

  /** The best depth that is known. */
  get settled(): number {
    return this.#depth;
  }

  /** A window in which all of `depth` were in use has ended. @param rate rows per second, above 0. */
  measured(rate: number, nowMs: number): void {
    if (!this.#trial) {
      this.#trial = this.#nextTrial(nowMs);
      return;
    }
    const { rates, direction, to } = this.#trial;
    rates.push({ depth: this.depth, rate });
    const verdict = judgeTrial(pairsOf(this.#trial), direction);
    if (verdict === "more") return;
    this.#trial = undefined;
    if (verdict === "keep") this.#keep(to, direction, nowMs);
    else this.#putOff(direction, nowMs);
  }

  /** Not all are in use, or may be: what was measured of a trial is forgotten, and it comes again as soon as it came. */
  unsaturated(nowMs: number): void {
    if (!this.#trial) return;
    const schedule = this.#schedules[this.#trial.direction];
    schedule.dueMs = nowMs + schedule.intervalMs;
    this.#trial = undefined;
  }

  #nextTrial(nowMs: number): Trial | undefined {
    const possible = (["up", "down"] as const).filter((one) =>
      one === "up" ? this.#depth < this.#most : this.#depth > 1,
    );
    for (const one of possible) this.#schedules[one].dueMs ??= nowMs + this.#schedules[one].intervalMs;
    const due = possible
      .filter((one) => (this.#schedules[one].dueMs ?? Infinity) <= nowMs)
      .sort((a, b) => (this.#schedules[a].dueMs ?? 0) - (this.#schedules[b].dueMs ?? 0));
    const [direction] = due;
    if (!direction) return undefined;
    return { direction, from: this.#depth, to: this.#depth + (direction === "up" ? 1 : -1), rates: [] };
  }

  #keep(depth: number, direction: Direction, nowMs: number): void {
    this.#depth = depth;
    this.#schedules[direction] = this.#isRare(direction)
      ? this.#fresh(direction)
      : { ...this.#fresh(direction), dueMs: nowMs };
    // It was just seen that the way back is worse, or no better.
    this.#schedules[opposite(direction)] = this.#fresh(opposite(direction));
    this.#putOff(opposite(direction), nowMs);
  }

  #putOff(direction: Direction, nowMs: number): void {
    const schedule = this.#schedules[direction];
    schedule.intervalMs = Math.min(LONGEST_INTERVAL_MS, schedule.intervalMs * 2);
    schedule.dueMs = nowMs + schedule.intervalMs;
  }

  #fresh(direction: Direction): Schedule {
    const intervalMs = this.#isRare(direction) ? LONGEST_INTERVAL_MS : FIRST_INTERVAL_MS[direction];
    return { intervalMs, dueMs: undefined };
  }

  #isRare(direction: Direction): boolean {
    return direction === "down" && this.#depth <= LEAST_USUAL;
  }
}

function pairsOf({ from, rates }: Trial): RatePair[] {
  const pairs: RatePair[] = [];
  for (let i = 0; i + 1 < rates.length; i += 2) {
    const [one, other] = [rates[i], rates[i + 1]];
    if (one && other)
      pairs.push(one.depth === from ? { from: one.rate, to: other.rate } : { from: other.rate, to: one.rate });
  }
  return pairs;
}

function opposite(direction: Direction): Direction {
  return direction === "up" ? "down" : "up";
}
