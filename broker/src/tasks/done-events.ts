import { keys, SHARD_COUNT } from "../keys.js";
import type { ShardSubscriber } from "../redis/shard-subscriber.js";
import type { Service } from "../service.js";

/** Wake-ups for whoever waits for a run. A wake-up says "read again", never what there is to read. */
export interface DoneEvents extends Service {
  /**
   * Calls `wake` whenever there may be something new to read about the run, until the returned function is called.
   * Register first, then read: after that nothing is missed, except while the connection is away (then everybody is
   * woken when it is back).
   */
  listen(runId: string, wake: () => void): () => void;
  /** Milliseconds since Redis last confirmed that wake-ups will come. */
  ageMs(): number;
}

/** Hears the `done` channels of all shards. `start` resolves when every subscription is confirmed. */
export function createDoneEvents(subscriber: ShardSubscriber): DoneEvents {
  const waiters = new Map<string, Set<() => void>>();
  const wake = (runId: string) => {
    for (const waiter of [...(waiters.get(runId) ?? [])]) waiter();
  };
  const onMessage = (message: Buffer | undefined) => {
    const runIds = message ? message.toString("latin1").split(" ") : [...waiters.keys()];
    for (const runId of runIds) wake(runId);
  };
  return {
    async start() {
      await subscriber.start();
      const shards = Array.from({ length: SHARD_COUNT }, (_, shard) => shard);
      await Promise.all(shards.map((shard) => subscriber.subscribe(keys.done(shard), onMessage)));
    },
    async stop() {
      await subscriber.stop();
      onMessage(undefined);
    },
    ageMs: () => subscriber.ageMs(),
    listen(runId, waiter) {
      const set = waiters.get(runId) ?? new Set();
      waiters.set(runId, set.add(waiter));
      return () => {
        set.delete(waiter);
        if (set.size === 0 && waiters.get(runId) === set) waiters.delete(runId);
      };
    },
  };
}
