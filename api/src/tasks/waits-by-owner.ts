import { BrokerError } from "@sluice/broker";

/** Counts who waits, so that one caller cannot have all the places. */
export interface WaitsByOwner {
  /** @throws BrokerError too-many-waiters */
  enter(owner: string): void;
  leave(owner: string): void;
}

/** @param mostPerOwner 0: as many as they like. It is asked each time, for it may change. */
export function createWaitsByOwner(mostPerOwner: () => number): WaitsByOwner {
  const counts = new Map<string, number>();
  return {
    enter(owner) {
      const [count, most] = [counts.get(owner) ?? 0, mostPerOwner()];
      if (most > 0 && count >= most) {
        throw new BrokerError("too-many-waiters", `at most ${most} requests of one caller may wait here at a time`);
      }
      counts.set(owner, count + 1);
    },
    leave(owner) {
      const count = (counts.get(owner) ?? 1) - 1;
      if (count === 0) counts.delete(owner);
      else counts.set(owner, count);
    },
  };
}
