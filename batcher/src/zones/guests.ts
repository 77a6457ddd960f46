import {
  createPoller,
  keys,
  type KnownZones,
  listLanes,
  parseLane,
  readBatchers,
  type RedisClient,
  type Service,
  SHARD_COUNT,
} from "@sluice/broker";
import type { Logger } from "pino";
import type { Batcher } from "../batcher.js";
import { isGuest } from "../rendezvous.js";

/** Batchers of this process that look after other zones. */
export interface Guests extends Service {
  /** Those that there are now. */
  batchers(): readonly Batcher[];
}

const LOOK_EVERY_MS = 1_000;
/** A zone whose batchers start again at once needs no guest. */
const LOOKS_TO_COME = 2;

/**
 * Looks after every zone that has work and no batcher: as many processes as there are share its shards, by the rules by
 * which batchers of one zone do. Guests go when a batcher of the zone is there, or the zone is taken off the list.
 * @param createGuest a batcher for that zone, not started.
 */
export function createGuests(deps: {
  readonly redis: RedisClient;
  readonly zones: Pick<KnownZones, "all">;
  readonly own: string;
  readonly log: Logger;
  readonly createGuest: (zone: string) => Batcher;
}): Guests {
  const { redis, zones, own, log, createGuest } = deps;
  const guests = new Map<string, Batcher>();
  const missed = new Map<string, number>();
  const lookAt = async (zone: string): Promise<void> => {
    const batchers = await readBatchers(redis, zone);
    const isAlone = batchers.every(isGuest);
    missed.set(zone, isAlone ? (missed.get(zone) ?? 0) + 1 : 0);
    const guest = guests.get(zone);
    if (guest && !isAlone) {
      await dismiss(zone, guest, "a zone has batchers of its own again");
    } else if (!guest && (missed.get(zone) ?? 0) >= LOOKS_TO_COME && (await hasWork(redis, zone))) {
      log.warn({ zone }, "a zone has no batcher; its work is looked after from here");
      await take(zone, createGuest(zone));
    }
  };
  const dismiss = async (zone: string, guest: Batcher, why: string): Promise<void> => {
    guests.delete(zone);
    log.info({ zone }, why);
    await guest.stop();
  };
  /** One that cannot start is tried again. */
  const take = async (zone: string, guest: Batcher): Promise<void> => {
    guests.set(zone, guest);
    try {
      await guest.start();
    } catch (error) {
      guests.delete(zone);
      await guest.stop();
      throw error;
    }
  };
  const look = async (): Promise<void> => {
    const listed = zones.all();
    const gone = [...guests].filter(([zone]) => !listed.includes(zone));
    const results = await Promise.allSettled([
      ...gone.map(([zone, guest]) => dismiss(zone, guest, "a zone is no longer on the list")),
      ...listed.filter((zone) => zone !== own).map(lookAt),
    ]);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  };
  const poller = createPoller(look, LOOK_EVERY_MS, log);
  return {
    batchers: () => [...guests.values()],
    start: () => poller.start(),
    async stop() {
      await poller.stop();
      await Promise.all([...guests.values()].map((guest) => guest.stop()));
      guests.clear();
    },
  };
}

/** Whether a run is open in any lane of a zone, whatever models are registered. */
async function hasWork(redis: RedisClient, zone: string): Promise<boolean> {
  for (let shard = 0; shard < SHARD_COUNT; shard++) {
    const lanes = (await listLanes(redis, shard)).filter((lane) => parseLane(lane)?.zone === zone);
    const lengths = await Promise.all(lanes.map((lane) => redis.xlen(keys.ready(shard, lane))));
    if (lengths.some((length) => length > 0)) return true;
  }
  return false;
}
