import { type Clock, createPoller, readMemoryUse, type RedisClient, type Service } from "@sluice/broker";
import type { Logger } from "pino";

/** How full Redis is, without asking it for each submission. */
export interface MemoryWatch extends Service {
  /** The part of its limit that the fullest master uses; 0 while nothing is known, or where there is no limit. */
  use(): number;
  /** Milliseconds since it last answered. */
  ageMs(): number;
}

const POLL_MS = 500;
/** An older figure is not believed: a master that is away would close all shards for as long. */
const KEEP_MS = 3_000;

/** Asks every master twice a second. */
export function createMemoryWatch(deps: {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly log: Logger;
}): MemoryWatch {
  const { redis, clock, log } = deps;
  let seen = { use: 0, atMs: -Infinity };
  const look = async (): Promise<void> => {
    seen = { use: await readMemoryUse(redis), atMs: clock.monotonicMs() };
  };
  const poller = createPoller(look, POLL_MS, log);
  return {
    start: () => poller.start(),
    stop: () => poller.stop(),
    use: () => (clock.monotonicMs() - seen.atMs < KEEP_MS ? seen.use : 0),
    ageMs: () => poller.ageMs(),
  };
}
