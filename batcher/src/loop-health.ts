/** The loops of a batcher, by what they do. */
export const LOOP_NAMES = ["ownership", "sweep", "read", "publish", "look-up", "dead-slots", "depth", "lanes"] as const;
/** One of the loops. */
export type LoopName = (typeof LOOP_NAMES)[number];

/** When each loop last completed a turn: a loop that hangs shows, whatever it hangs on. */
export interface LoopHealth {
  completed(name: LoopName, monotonicMs: number): void;
  /** Milliseconds since the last completed turn; Infinity if there has been none. */
  ageMs(name: LoopName, monotonicMs: number): number;
}

/** Remembers turns; several loops of one name count as one (the last of them speaks). */
export function createLoopHealth(): LoopHealth {
  const last = new Map<LoopName, number>();
  return {
    completed: (name, monotonicMs) => void last.set(name, monotonicMs),
    ageMs: (name, monotonicMs) => monotonicMs - (last.get(name) ?? -Infinity),
  };
}
