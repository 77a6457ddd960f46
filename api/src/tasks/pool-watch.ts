import {
  type Clock,
  countLiveSlots,
  createPoller,
  type KnownZones,
  type ModelRegistry,
  type RedisClient,
  type Service,
  siteOf,
  untilAnswered,
} from "@sluice/broker";
import type { Logger } from "pino";

/** What submissions must know of the pools, without asking Redis for each. */
export interface PoolWatch extends Service {
  /** Whether a pool is known to have no worker in any zone; one that was not looked at yet is given the benefit of the doubt. */
  isDeserted(pool: string): boolean;
  /** Whether Redis has answered lately. */
  isFresh(): boolean;
  /** Milliseconds since it last answered. */
  ageMs(): number;
}

const POLL_MS = 500;
/** Several polls missed: Redis is away. */
const FRESH_MS = 3_000;

/** Counts the live worker slots of every pool that a model belongs to, of all zones, in the background. `start` has counted once. */
export function createPoolWatch(deps: {
  readonly redis: RedisClient;
  readonly models: Pick<ModelRegistry, "all">;
  readonly zones: Pick<KnownZones, "all">;
  readonly clock: Clock;
  readonly log: Logger;
}): PoolWatch {
  const { redis, models, zones, clock, log } = deps;
  /** By site, as each answered last. */
  const ofSites = new Map<string, number>();
  let slots = new Map<string, number>();
  let seenMs = -Infinity;
  const ask = async (site: string): Promise<void> => {
    ofSites.set(site, await countLiveSlots(redis, site));
  };
  /** One zone's server may be away without the others being cut off. @throws the error of a site if none answers */
  const count = async (pool: string): Promise<number> => {
    const sites = zones.all().map((zone) => siteOf(pool, zone));
    const answers = await Promise.allSettled(sites.map(ask));
    const [failed] = answers.filter((answer) => answer.status === "rejected");
    if (failed && answers.every((answer) => answer.status === "rejected")) throw failed.reason;
    return sites.reduce((sum, site) => sum + (ofSites.get(site) ?? 0), 0);
  };
  const look = async (): Promise<void> => {
    const pools = [...new Set(models.all().map((model) => model.pool))];
    const counts = await Promise.all(pools.map(count));
    // Also where there is no pool to ask about, "fresh" must mean that Redis answers.
    if (pools.length === 0) await countLiveSlots(redis, "default");
    slots = new Map(pools.map((pool, i) => [pool, counts[i] ?? 0]));
    seenMs = clock.monotonicMs();
  };
  const poller = createPoller(look, POLL_MS, log);
  return {
    async start() {
      await untilAnswered(look);
      await poller.start();
    },
    stop: () => poller.stop(),
    isDeserted: (pool) => slots.get(pool) === 0,
    ageMs: () => poller.ageMs(),
    isFresh: () => clock.monotonicMs() - seenMs < FRESH_MS,
  };
}
