import type { Clock } from "@sluice/broker";
import { pause } from "./pause.js";
import { troubleMs } from "./retry-policy.js";

/** Writes to shards that did not answer, repeated while the slot that owes them goes on with other work. */
export interface LateWrites {
  /** Repeats an idempotent write until it says that it is done, or `untilMs` (monotonic). */
  add(write: () => Promise<boolean>, untilMs: number): void;
  /** Resolves when nothing is owed any more. */
  settled(): Promise<void>;
}

/** @param signal ends all waiting: each write gets one last try. */
export function createLateWrites(clock: Clock, signal: AbortSignal): LateWrites {
  const owed = new Set<Promise<void>>();
  const repeat = async (write: () => Promise<boolean>, untilMs: number): Promise<void> => {
    for (let failures = 1; ; failures++) {
      await pause(troubleMs(failures, Math.random()), signal);
      if (clock.monotonicMs() > untilMs || (await write().catch(() => false)) || signal.aborted) return;
    }
  };
  return {
    add(write, untilMs) {
      const debt = repeat(write, untilMs).finally(() => owed.delete(debt));
      owed.add(debt);
    },
    async settled() {
      await Promise.all(owed);
    },
  };
}
