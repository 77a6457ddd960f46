/**
 * Lets batches run side by side, except one that must be alone: the death of a process hits every slot in it, so only
 * a run that was alone in its process can be blamed for one.
 *
 *   open ──enter(alone)──▶ closing ──last mate leaves──▶ alone ──leave──▶ closing (next) or open
 *
 * Several that must be alone take turns in the order they came; while one waits nobody else enters, so it gets its
 * turn when the batches in hand are done.
 */
export interface SoloGate {
  /**
   * Resolves when the batch may begin, with the function that says that it is over (a second call does nothing).
   * Nothing may be claimed before.
   */
  enter(alone: boolean): Promise<() => void>;
  /** Resolves when no batch runs alone or waits to: a slot asks before it pulls, and leaves work to others until then. */
  whenOpen(): Promise<void>;
}

/** One gate for all slots of a process. */
export function createSoloGate(): SoloGate {
  let inside = 0;
  let aloneInside = false;
  const waitingAlone: (() => void)[] = [];
  let waitingShared: (() => void)[] = [];
  let waitingOpen: (() => void)[] = [];
  const isOpen = () => !aloneInside && waitingAlone.length === 0;
  const admitNext = () => {
    if (inside > 0) return;
    const next = waitingAlone.shift();
    if (next) {
      inside = 1;
      aloneInside = true;
      next();
      return;
    }
    const [shared, open] = [waitingShared, waitingOpen];
    [waitingShared, waitingOpen] = [[], []];
    inside = shared.length;
    for (const resolve of [...shared, ...open]) resolve();
  };
  const createLeave = () => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      inside--;
      if (inside === 0) aloneInside = false;
      admitNext();
    };
  };
  return {
    async enter(alone) {
      if (!alone && isOpen()) inside++;
      else {
        const turn = new Promise<void>((resolve) => (alone ? waitingAlone : waitingShared).push(resolve));
        admitNext();
        await turn;
      }
      return createLeave();
    },
    async whenOpen() {
      if (!isOpen()) await new Promise<void>((resolve) => waitingOpen.push(resolve));
    },
  };
}
