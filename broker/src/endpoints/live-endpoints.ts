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
 * logged, and what it said before stays. Where `onChange` throws, the list is told again. `start` has read it once, and
 * told what is there.
 */
export function createLiveEndpoints(
  redis: RedisClient,
  options: { readonly pool: string; readonly onChange: (endpoints: readonly PoolEndpoint[]) => void },
  log: Logger,
): LiveEndpoints {
  let last: readonly PoolEndpoint[] = [];
  /** What was told last, and what of it was taken without an error. */
  let [told, seen] = ["", ""];
  const read = () => readEndpoints(redis, options.pool);
  const tell = (rows: Awaited<ReturnType<typeof read>>): void => {
    const text = JSON.stringify([...rows].map(([url, row]) => row ?? url));
    if (text === seen) return;
    const unreadable = [...rows].flatMap(([url, row]) => (row ? [] : [url]));
    if (text !== told && unreadable.length > 0) log.error({ endpoints: unreadable }, "endpoints refused");
    last = [...rows].flatMap(([url, row]) => row ?? last.find((endpoint) => endpoint.url === url) ?? []);
    if (text !== told) log.info({ endpoints: last }, "endpoints changed");
    told = text;
    options.onChange(last);
    // Not before: what could not be done is tried again.
    seen = text;
  };
  const poller = createPoller(async () => tell(await read()), POLL_MS, log);
  return {
    ageMs: () => poller.ageMs(),
    async start() {
      const rows = await untilAnswered(read);
      try {
        tell(rows);
      } catch (err) {
        log.error({ err }, "endpoints not taken over yet");
      }
      await poller.start();
    },
    stop: () => poller.stop(),
  };
}
