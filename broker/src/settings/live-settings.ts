import type { Logger } from "pino";
import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import type { Service } from "../service.js";
import { createPoller } from "../redis/poller.js";
import { DEFAULT_SETTINGS, parseSettings, type SettingsSet } from "./settings.js";

/** Seen within a second by every role. */
const POLL_MS = 500;

/** Settings that an operator turns while Sluice runs. */
export interface LiveSettings extends Service {
  current(): SettingsSet;
  /** How often a set was refused. */
  refusedCount(): number;
}

/**
 * Follows `sluice:config`. A bad value or combination is refused as a whole and logged once; the last good set stays,
 * also over a restart. `start` has read it once.
 */
export function createLiveSettings(redis: RedisClient, log: Logger): LiveSettings {
  let settings = DEFAULT_SETTINGS;
  let seen: string | undefined;
  let good = "{}";
  let refused = 0;
  const accept = (text: string): void => {
    settings = parseSettings(JSON.parse(text) as Record<string, string>);
    good = text;
  };
  const look = async (): Promise<void> => {
    const hash = await redis.hgetall(keys.config);
    const text = JSON.stringify(Object.fromEntries(Object.entries(hash).sort(([a], [b]) => (a < b ? -1 : 1))));
    if (text === seen) return;
    seen = text;
    try {
      accept(text);
      log.info({ settings: hash }, "settings changed");
      await redis.set(keys.goodConfig, text);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      refused++;
      log.error({ problems: error.details["problems"], kept: good }, "settings refused");
    }
  };
  const poller = createPoller(look, POLL_MS, log);
  return {
    async start() {
      const last = await redis.get(keys.goodConfig);
      if (last) accept(last);
      await look();
      await poller.start();
    },
    stop: () => poller.stop(),
    current: () => settings,
    refusedCount: () => refused,
  };
}
