import { setTimeout as sleep } from "node:timers/promises";

import type { Role } from "@sluice/stack";

import { createRandom } from "../random.js";
import type { Conductor } from "./conduct-member.js";
import type { Crew } from "./crew.js";
import { PHASES, roleOf, type Trial } from "./failpoint.js";
import { planTrials, RARE_PER_SECOND, type TracedPoint } from "./plan-trials.js";
import { pointsOf, tracedPoints } from "./traced-points.js";
import { createTrialBook, type TrialBook } from "./trial-book.js";

/** What a sweep goes through. */
export interface SweepPlan {
  readonly seed: string;
  /** Trials of each point. */
  readonly seeds: number;
  /** Only points whose names contain this. */
  readonly only: string;
  readonly say: (line: string) => void;
  readonly reachedCount: () => number;
}

const LOOK_EVERY_MS = 250;
const SAY_EVERY_MS = 10_000;
/** When only points are left that are seldom hit, processes are killed and drained without them, so that the others act. */
const STIR_EVERY_MS = 1_500;
/** That goes on until none of them was reached for so long. */
const GIVE_UP_MS = 25_000;

/**
 * Leads every process from trial to trial until there are none left, or those that are left do not come any more.
 * Points that were not known before are taken in.
 * @returns how many trials of each point there were.
 */
export async function sweepPoints(
  crew: Crew,
  traced: readonly TracedPoint[],
  plan: SweepPlan,
): Promise<ReadonlyMap<string, number>> {
  const { seed, seeds, only, say } = plan;
  const chosen = traced.filter(({ point }) => point.includes(only));
  const trials = planTrials(chosen, seed, seeds);
  const planned = countByPoint(trials);
  const books = createBooks(chosen, trials);
  for (const conductor of crew.conductors()) conductor.follow(books[conductor.member.role]);
  const all = Object.values(books);
  const waiting = (): number => sumOf(all, (book) => sumOf(PHASES, (phase) => book.waiting(phase)));
  const seldom = (): number => sumOf(all, (book) => book.seldom().length);
  const stir = createStir(crew, seed);
  let [reached, reachedMs, saidMs] = [0, performance.now(), performance.now()];
  for (; ; await sleep(LOOK_EVERY_MS)) {
    for (const [point, count] of takeIn(crew, books, plan)) planned.set(point, count);
    if (plan.reachedCount() > reached) [reached, reachedMs] = [plan.reachedCount(), performance.now()];
    if (performance.now() - saidMs > SAY_EVERY_MS) {
      saidMs = performance.now();
      say(`${reached} points reached; ${waiting()} trials wait, and ${seldom()} points that are seldom hit`);
    }
    if (waiting() > 0 || crew.conductors().some((conductor) => conductor.isOnTrial())) reachedMs = performance.now();
    else if (seldom() === 0 || performance.now() - reachedMs > GIVE_UP_MS) break;
    else stir();
  }
  for (const conductor of crew.conductors()) conductor.follow(undefined);
  return planned;
}

type Books = Readonly<Record<Role, TrialBook>>;

function createBooks(traced: readonly TracedPoint[], trials: readonly Trial[]): Books {
  const perSecond = new Map(traced.map((one) => [one.point, one.perSecond]));
  const rate = ({ point }: Trial): number => perSecond.get(point) ?? 0;
  const bookOf = (role: Role): TrialBook =>
    createTrialBook(
      trials.filter(({ point }) => roleOf(point) === role),
      {
        isSeldom: (trial) => trial.phase === "work" && rate(trial) < RARE_PER_SECOND,
        seldomPhase: (trial) => (rate(trial) > 0 ? "work" : trial.phase),
      },
    );
  return { api: bookOf("api"), batcher: bookOf("batcher"), "gpu-worker": bookOf("gpu-worker") };
}

/** Trials of points that nobody had hit until now, by point. */
function takeIn(crew: Crew, books: Books, plan: SweepPlan): Map<string, number> {
  const hits = crew.hits();
  const fresh = pointsOf(hits).filter((point) => point.includes(plan.only) && !books[roleOf(point)].knows(point));
  const watched = { starts: 1, workSeconds: 1, drains: 1 };
  const isFresh = new Set(fresh);
  const traced = tracedPoints(hits, { api: watched, batcher: watched, "gpu-worker": watched });
  const trials = planTrials(
    traced.filter(({ point }) => isFresh.has(point)),
    plan.seed,
    plan.seeds,
  );
  for (const trial of trials) books[roleOf(trial.point)].add([{ ...trial, nth: 1 }]);
  return countByPoint(trials);
}

/** Now and then kills or drains a process, by chance. */
function createStir(crew: Crew, seed: string): () => void {
  const random = createRandom(`${seed}/stir`);
  let stirredMs = 0;
  return () => {
    const idle = crew.conductors().filter((conductor) => conductor.isIdle());
    if (performance.now() - stirredMs < STIR_EVERY_MS || idle.length === 0) return;
    stirredMs = performance.now();
    const conductor: Conductor = random.pick(idle);
    // What goes wrong is blamed there.
    void (random.chance(0.3) ? conductor.drain() : conductor.kill()).catch(() => undefined);
  };
}

function countByPoint(trials: readonly Trial[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { point } of trials) counts.set(point, (counts.get(point) ?? 0) + 1);
  return counts;
}

function sumOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}
