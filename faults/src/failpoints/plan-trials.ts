import { createRandom, type Random } from "../random.js";
import { type FailpointAction, type Phase, PHASES, type Point, type Trial } from "./failpoint.js";

/** How often a point is hit while nothing goes wrong. */
export interface TracedPoint {
  readonly point: Point;
  /** By one process that works. */
  readonly perSecond: number;
  /** In one start, in one drain. */
  readonly perStart: number;
  readonly perDrain: number;
}

/** A point that a process at work hits less often is waited for beside others. */
export const RARE_PER_SECOND = 0.25;
/** The rest are kills. A process that is stopped for longer than every lease wakes up as a zombie. */
const FREEZE_SHARE = 0.25;
/** How often the three phases are chosen, where a point has all of them. */
const WEIGHTS: Readonly<Record<Phase, number>> = { start: 1, work: 6, drain: 1 };
/** A trial at work comes within about this. */
const WITHIN_S = 0.8;

/** Every point so many times, each time with phase, count and action of its own. Equal arguments give equal plans. */
export function planTrials(points: readonly TracedPoint[], seed: string, seeds: number): Trial[] {
  const trials = points.flatMap((traced) =>
    Array.from({ length: seeds }, (_, index) => planTrial(traced, `${traced.point}#${index + 1}`, seed)),
  );
  return shuffle(trials, createRandom(`${seed}/order`));
}

function planTrial(traced: TracedPoint, id: string, seed: string): Trial {
  const random = createRandom(`${seed}/${id}`);
  const phase = drawPhase(traced, random);
  const action: FailpointAction = random.chance(FREEZE_SHARE) ? "freeze" : "kill";
  return { id, point: traced.point, phase, nth: random.between(1, mostHits(traced, phase)), action };
}

function drawPhase({ perSecond, perStart, perDrain }: TracedPoint, random: Random): Phase {
  const hits: Readonly<Record<Phase, number>> = { start: perStart, work: perSecond, drain: perDrain };
  const sure = PHASES.filter((phase) => hits[phase] >= (phase === "work" ? RARE_PER_SECOND : 1));
  const possible = sure.length > 0 ? sure : PHASES.filter((phase) => hits[phase] > 0);
  if (possible.length === 0) return "work";
  return random.pick(possible.flatMap((phase) => Array.from({ length: WEIGHTS[phase] }, () => phase)));
}

/** The last hit that a process surely comes to. */
function mostHits({ perSecond, perStart, perDrain }: TracedPoint, phase: Phase): number {
  const hits = phase === "work" ? perSecond * WITHIN_S : phase === "start" ? perStart : perDrain;
  return Math.max(1, Math.floor(hits));
}

function shuffle<T>(values: readonly T[], random: Random): T[] {
  const keyed = values.map((value) => ({ value, key: random.next() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}
