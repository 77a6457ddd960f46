import { createPoolPublisher, type PoolPublisher, type PublishDeps } from "./pool-publisher.js";

/** The publishers of all pools. */
export interface Publishers {
  /** Starts a publisher for each pool that is new. A pool's publisher stays: references for it may still wait. */
  reconcile(pools: readonly string[]): void;
  get(pool: string): PoolPublisher | undefined;
  /** All of them, by pool. */
  list(): readonly (readonly [string, PoolPublisher])[];
  /** New references are waiting. */
  wakeAll(): void;
  /** Stops them all, after whatever can leave at once has left. @throws BrokerError storage-unavailable */
  drain(): Promise<void>;
}

/** One publisher for each pool: a pool whose master is down holds up no other. */
export function createPublishers(deps: PublishDeps, batcher: string): Publishers {
  const publishers = new Map<string, PoolPublisher>();
  return {
    reconcile(pools) {
      for (const pool of pools) {
        if (publishers.has(pool)) continue;
        const publisher = createPoolPublisher(deps, batcher, pool);
        publishers.set(pool, publisher);
        void publisher.start();
      }
    },
    get: (pool) => publishers.get(pool),
    list: () => [...publishers],
    wakeAll() {
      for (const publisher of publishers.values()) publisher.wake();
    },
    async drain() {
      await Promise.all([...publishers.values()].map((publisher) => publisher.drain()));
    },
  };
}
