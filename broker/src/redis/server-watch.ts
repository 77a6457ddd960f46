import type { Logger } from "pino";
import { BrokerError } from "../errors.js";
import type { Service } from "../service.js";
import type { RedisClient } from "./connect.js";
import { doubtsOf, type Durability, obstaclesOf, risksOf } from "./durability.js";
import { createPoller } from "./poller.js";
import { readServerFacts, type ServerFacts } from "./server-facts.js";
import { untilAnswered } from "./until-answered.js";

const LOOK_EVERY_MS = 2_000;

/** Whether the servers can keep what is promised. */
export interface ServerWatch extends Service {
  /** Why work should not be accepted now; empty if all is well, as far as was seen last. */
  doubts(): readonly string[];
  /** Milliseconds since all of them last answered. */
  ageMs(): number;
}

/**
 * Looks at every master, at `start` and every few seconds: settings are changed while servers run, and after a
 * failover another server is the master. What is new is logged.
 */
export function createServerWatch(redis: RedisClient, durability: Durability, log: Logger): ServerWatch {
  let facts: readonly ServerFacts[] = [];
  let doubts: readonly string[] = [];
  let risks: readonly string[] = [];
  const tell = (whyOf: (server: ServerFacts) => string[]): string[] =>
    facts.flatMap((server) => whyOf(server).map((why) => `${server.address}: ${why}`));
  const look = async (): Promise<void> => {
    facts = await readServerFacts(redis);
    const now = tell((server) => [...obstaclesOf(durability, server), ...doubtsOf(durability, server)]);
    if (now.join() !== doubts.join()) {
      if (now.length > 0) log.error({ problems: now }, "redis cannot keep what is promised");
      else log.info("redis can keep what is promised again");
    }
    doubts = now;
    const risksNow = tell((server) => risksOf(durability, server));
    if (risksNow.length > 0 && risksNow.join() !== risks.join())
      log.warn({ risks: risksNow }, "see DURABILITY_REPLICAS");
    risks = risksNow;
  };
  const poller = createPoller(look, LOOK_EVERY_MS, log);
  return {
    /** @throws BrokerError config-invalid if no waiting can mend it | storage-unavailable */
    async start() {
      await untilAnswered(look);
      const obstacles = facts.flatMap((server) => obstaclesOf(durability, server));
      if (obstacles.length > 0) {
        throw new BrokerError("config-invalid", obstacles[0] ?? "", { details: { problems: doubts } });
      }
      if (durability.level === "memory" && facts.some((server) => !server.appendOnly)) {
        log.warn("redis keeps nothing on its disk: what was accepted is lost when it restarts");
      }
      await poller.start();
    },
    stop: () => poller.stop(),
    doubts: () => doubts,
    ageMs: () => poller.ageMs(),
  };
}
