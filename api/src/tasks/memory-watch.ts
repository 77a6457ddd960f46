import { createPoller, readMemoryUse, type RedisClient, type Service } from "@sluice/broker";
import type { Logger } from "pino";

/** How full Redis is, without asking it for each submission. */
export interface MemoryWatch extends Service {
  /** The part of its limit that the fullest master uses; 0 while nothing is known, or where there is no limit. */
  use(): number;
  /** Milliseconds since it last answered. */
  ageMs(): number;
}

const POLL_MS = 500;

/** Asks every master twice a second. */
export function createMemoryWatch(redis: RedisClient, log: Logger): MemoryWatch {
  let use = 0;
  const poller = createPoller(async () => void (use = await readMemoryUse(redis)), POLL_MS, log);
  return { start: () => poller.start(), stop: () => poller.stop(), use: () => use, ageMs: () => poller.ageMs() };
}
