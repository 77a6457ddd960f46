/** The loops of a batcher, by what they do. */
export const LOOP_NAMES = [
  "ownership",
  "sweep",
  "read",
  "publish",
  "look-up",
  "dead-slots",
  "depth",
  "lanes",
  "times",
] as const;
/** One of the loops. */
export type LoopName = (typeof LOOP_NAMES)[number];

/** One loop, as it goes round. */
export interface LoopPulse {
  completed(monotonicMs: number): void;
  /** It was stopped: its age counts no more. */
  ended(): void;
}

/** When each loop last completed a turn: a loop that hangs shows, whatever it hangs on. */
export interface LoopHealth {
  /**
   * A loop begins. Several of one name may run: one for each shard, pool or connection. It takes over the age of those
   * before it: a loop that is started again and again is not young.
   */
  begin(name: LoopName, monotonicMs: number): LoopPulse;
  /** Milliseconds since any loop of that name last completed a turn; Infinity if none ever did. */
  ageMs(name: LoopName, monotonicMs: number): number;
  /** The age of the running loop of that name that completed a turn longest ago; undefined if none runs. */
  oldestAgeMs(name: LoopName, monotonicMs: number): number | undefined;
}

/** Remembers the last turn of every loop. */
export function createLoopHealth(): LoopHealth {
  const last = new Map<LoopName, number>();
  const running = new Map<LoopName, Set<{ lastMs: number }>>();
  return {
    begin(name, monotonicMs) {
      const loop = { lastMs: last.get(name) ?? monotonicMs };
      const loops = running.get(name) ?? new Set();
      running.set(name, loops.add(loop));
      return {
        completed(nowMs) {
          loop.lastMs = nowMs;
          last.set(name, nowMs);
        },
        ended: () => void loops.delete(loop),
      };
    },
    ageMs: (name, monotonicMs) => monotonicMs - (last.get(name) ?? -Infinity),
    oldestAgeMs(name, monotonicMs) {
      const ages = [...(running.get(name) ?? [])].map(({ lastMs }) => monotonicMs - lastMs);
      return ages.length === 0 ? undefined : Math.max(...ages);
    },
  };
}
