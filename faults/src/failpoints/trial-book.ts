import type { Phase, Point, Trial } from "./failpoint.js";

/** The trials of one role that are still to come, and what became of the others. */
export interface TrialBook {
  /** The next trial of a phase that some process may wait for. */
  take(phase: Phase): Trial | undefined;
  /** It did not come in time: it gets another chance, up to {@link MAX_TRIES}; then it waits beside others. */
  giveBack(trial: Trial): void;
  /** One trial of each point that is seldom hit: every process may wait for all of them at once. */
  seldom(): readonly Trial[];
  /** Grows when `seldom` has changed. */
  version(): number;
  /** Trials of points that were not known before; each is seldom hit. */
  add(trials: readonly Trial[]): void;
  reached(trial: Trial): void;
  /** Trials that `take` would still give. */
  waiting(phase: Phase): number;
  knows(point: Point): boolean;
}

/** So often a trial is waited for by itself. */
export const MAX_TRIES = 3;

/** How seldom points are hit. */
export interface Rarity {
  /** Whether a trial is to wait beside others from the beginning. */
  readonly isSeldom: (trial: Trial) => boolean;
  /** The phase in which a trial waits that did not come in its own. */
  readonly seldomPhase: (trial: Trial) => Phase;
}

export function createTrialBook(trials: readonly Trial[], { isSeldom, seldomPhase }: Rarity): TrialBook {
  const known = new Set(trials.map(({ point }) => point));
  const tries = new Map<string, number>();
  const done = new Set<string>();
  let queue = trials.filter((trial) => !isSeldom(trial));
  let beside = trials.filter(isSeldom);
  let version = 0;
  return {
    take(phase) {
      const index = queue.findIndex((trial) => trial.phase === phase);
      return index === -1 ? undefined : queue.splice(index, 1)[0];
    },
    giveBack(trial) {
      if (done.has(trial.id)) return;
      const count = (tries.get(trial.id) ?? 0) + 1;
      tries.set(trial.id, count);
      if (count < MAX_TRIES) queue.push(trial);
      else {
        beside.push({ ...trial, phase: seldomPhase(trial), nth: 1 });
        version++;
      }
    },
    seldom() {
      const first = new Map(beside.map((trial) => [`${trial.phase} ${trial.point}`, trial] as const).reverse());
      return [...first.values()];
    },
    version: () => version,
    add(more) {
      for (const { point } of more) known.add(point);
      beside.push(...more);
      version++;
    },
    reached({ id }) {
      done.add(id);
      queue = queue.filter((trial) => trial.id !== id);
      const left = beside.filter((trial) => trial.id !== id);
      if (left.length < beside.length) version++;
      beside = left;
    },
    waiting: (phase) => queue.filter((trial) => trial.phase === phase).length,
    knows: (point) => known.has(point),
  };
}
