import type { Logger } from "pino";
import { keys } from "../keys.js";
import { DEFAULT_ZONE } from "../lane.js";
import type { RedisClient } from "../redis/connect.js";
import { createPoller } from "../redis/poller.js";
import { untilAnswered } from "../redis/until-answered.js";
import { joinZonesScript } from "../scripts/join-zones.js";
import type { Service } from "../service.js";

const POLL_MS = 1_000;

/** The zones that any process was ever started in, as every role sees them. */
export interface KnownZones extends Service {
  /** Sorted; always with the own zone. */
  all(): readonly string[];
  /** Milliseconds since they were last read. */
  ageMs(): number;
}

/**
 * Puts the own zone on the list and follows the others: work of a zone whose processes are all gone must still be found.
 * `start` has done so once. A deployment with one zone that has no name writes nothing.
 * @param options `isGuest`: the own zone is another's, and is not put back when it was taken off the list.
 */
export function createKnownZones(
  redis: RedisClient,
  log: Logger,
  own: string,
  options: { readonly isGuest?: boolean } = {},
): KnownZones {
  let zones: readonly string[] = [own];
  const look = async (): Promise<void> => {
    const known = await readZones(redis);
    // Also after a Redis that was emptied. What lies in `local` is from before there were names.
    if (!options.isGuest && !known.includes(own)) await joinZones(redis, [own, DEFAULT_ZONE]);
    zones = [...new Set([own, ...known])].sort();
  };
  const poller = createPoller(look, POLL_MS, log);
  return {
    async start() {
      await untilAnswered(look);
      await poller.start();
    },
    stop: () => poller.stop(),
    all: () => zones,
    ageMs: () => poller.ageMs(),
  };
}

/** Puts zones on the list, also when Redis is out of memory. @throws BrokerError storage-unavailable */
export async function joinZones(redis: RedisClient, zones: readonly string[]): Promise<void> {
  await joinZonesScript.run(redis, { zones: keys.zones }, { "zone...": zones });
}

/** The zones that are on the list; `local` where nobody ever named one. @throws the Redis error */
export async function readZones(redis: RedisClient): Promise<string[]> {
  const zones = await redis.smembers(keys.zones);
  return zones.length > 0 ? zones.sort() : [DEFAULT_ZONE];
}
