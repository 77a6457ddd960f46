import type { Logger } from "pino";
import { createPoller } from "../redis/poller.js";
import type { RedisClient } from "../redis/connect.js";
import { untilAnswered } from "../redis/until-answered.js";
import type { Service } from "../service.js";
import { readEndpoints } from "./endpoint-list.js";
import type { PoolEndpoint } from "./pool-endpoint.js";

/** Seen within a second by every worker. */
const POLL_MS = 500;

/** The endpoints of a pool that operators name while it runs. */
export interface LiveEndpoints extends Service {
  /** Milliseconds since they were last read. */
  ageMs(): number;
}

/**
 * Follows the list of a pool, and tells it when it has changed, sorted by address. A value that cannot be read is
 * logged, and what it said before stays. `start` has read it once, and told what is there.
 */
export function createLiveEndpoints(
  redis: RedisClient,
  options: { readonly pool: string; readonly onChange: (endpoints: readonly PoolEndpoint[]) => void },
  log: Logger,
): LiveEndpoints {
  let last: readonly PoolEndpoint[] = [];
  let seen = "";
  const look = async (): Promise<void> => {
    const rows = await readEndpoints(redis, options.pool);
    const text = JSON.stringify([...rows].map(([url, row]) => row ?? url));
    if (text === seen) return;
    const unreadable = [...rows].flatMap(([url, row]) => (row ? [] : [url]));
    if (unreadable.length > 0) log.error({ endpoints: unreadable }, "endpoints refused");
    last = [...rows].flatMap(([url, row]) => row ?? last.find((endpoint) => endpoint.url === url) ?? []);
    log.info({ endpoints: last }, "endpoints changed");
    options.onChange(last);
    // Not before: what could not be done is tried again.
    seen = text;
  };
  const poller = createPoller(look, POLL_MS, log);
  return {
    ageMs: () => poller.ageMs(),
    async start() {
      await untilAnswered(look);
      await poller.start();
    },
    stop: () => poller.stop(),
  };
}
