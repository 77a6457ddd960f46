import { parseTaskId } from "../ids.js";
import { keys, SHARD_COUNT } from "../keys.js";
import type { ShardSubscriber } from "../redis/shard-subscriber.js";
import type { Service } from "../service.js";
import { type CarriedResult, parseWakeUps, type WakeUp } from "./wake-up.js";

/** Called at a wake-up; with the result, if it came with it. Without one: read again. */
export type Wake = (result: CarriedResult | undefined) => void;

/** Wake-ups for whoever waits for a run. */
export interface DoneEvents extends Service {
  /**
   * Calls `wake` whenever there may be something new to read about the run, until the returned function is called.
   * Register first, then read: after that nothing is missed, except while the connection is away (then everybody is
   * woken when it is back).
   */
  listen(runId: string, wake: Wake): () => void;
  /** Milliseconds since Redis last confirmed that wake-ups will come. */
  ageMs(): number;
}

/** Hears the `done` channels of all shards. `start` resolves when every subscription is confirmed. */
export function createDoneEvents(subscriber: ShardSubscriber): DoneEvents {
  const shards = Array.from({ length: SHARD_COUNT }, (): Waiters => new Map());
  const waitersOf = (shard: number): Waiters => shards[shard] ?? (new Map() as Waiters);
  /** Only those of the shard: with 10,000 who wait, waking all for each of 16 subscriptions would be 160,000 reads. */
  const onMessage = (shard: number, message: Buffer | undefined): void => {
    const waiters = waitersOf(shard);
    const wakeUps: Iterable<WakeUp> = message ? parseWakeUps(message) : [...waiters.keys()].map(wakeUpOf);
    for (const { runId, result } of wakeUps) for (const wake of [...(waiters.get(runId) ?? [])]) wake(result);
  };
  return {
    async start() {
      await subscriber.start();
      await Promise.all(
        shards.map((_, shard) => subscriber.subscribe(keys.done(shard), (message) => onMessage(shard, message))),
      );
    },
    async stop() {
      await subscriber.stop();
      for (const shard of shards.keys()) onMessage(shard, undefined);
    },
    ageMs: () => subscriber.ageMs(),
    listen(runId, waiter) {
      // An id that names no shard is nobody's, and never woken.
      const waiters = waitersOf(parseTaskId(runId)?.shard ?? -1);
      const set = waiters.get(runId) ?? new Set();
      waiters.set(runId, set.add(waiter));
      return () => {
        set.delete(waiter);
        if (set.size === 0 && waiters.get(runId) === set) waiters.delete(runId);
      };
    },
  };
}

/** Who waits, by run. */
type Waiters = Map<string, Set<Wake>>;

const wakeUpOf = (runId: string): WakeUp => ({ runId, result: undefined });
