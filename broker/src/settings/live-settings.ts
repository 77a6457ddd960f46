import type { Logger } from "pino";
import { z } from "zod";
import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import { createPoller } from "../redis/poller.js";
import type { RedisClient } from "../redis/connect.js";
import { untilAnswered } from "../redis/until-answered.js";
import type { Service } from "../service.js";
import { DEFAULT_SETTINGS, parseSettings, type SettingsSet } from "./settings.js";

/** Seen within a second by every role. */
const POLL_MS = 500;

/** Settings that an operator turns while Sluice runs. */
export interface LiveSettings extends Service {
  current(): SettingsSet;
  /** How often a set was refused. */
  refusedCount(): number;
  /** Milliseconds since they were last read. */
  ageMs(): number;
}

/**
 * Follows `sluice:config`. A bad value or combination is refused as a whole and logged once; the last good set stays,
 * also over a restart, unless this version cannot take it: then the defaults hold until there is a good one.
 * `start` has read it once.
 */
export function createLiveSettings(redis: RedisClient, log: Logger): LiveSettings {
  let settings = DEFAULT_SETTINGS;
  let seen: string | undefined;
  let good = "{}";
  let refused = 0;
  const keeper = createGoodSetKeeper(redis, log);
  const accept = (text: string): boolean => {
    try {
      settings = parseSettings(parseFields(text));
      good = text;
      return true;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      refused++;
      log.error({ problems: error.details["problems"], refused: text, kept: good }, "settings refused");
      return false;
    }
  };
  const look = async (): Promise<void> => {
    const hash = await redis.hgetall(keys.config);
    const text = JSON.stringify(Object.fromEntries(Object.entries(hash).sort(([a], [b]) => (a < b ? -1 : 1))));
    if (text !== seen && accept(text)) {
      log.info({ settings: hash }, "settings changed");
      keeper.keep(text);
    }
    seen = text;
    await keeper.store();
  };
  const poller = createPoller(look, POLL_MS, log);
  return {
    async start() {
      const last = await untilAnswered(() => keeper.load());
      if (last !== undefined) accept(last);
      await untilAnswered(look);
      await poller.start();
    },
    stop: () => poller.stop(),
    current: () => settings,
    refusedCount: () => refused,
    ageMs: () => poller.ageMs(),
  };
}

/** Keeps the last good set in Redis, for the next start. */
function createGoodSetKeeper(redis: RedisClient, log: Logger) {
  let stored: string | undefined;
  let wanted: string | undefined;
  let troubled = false;
  return {
    async load(): Promise<string | undefined> {
      stored = (await redis.get(keys.goodConfig)) ?? undefined;
      return stored;
    },
    keep: (text: string): void => void (wanted = text),
    /** A full Redis refuses it. That must keep nobody from starting, so it is tried again at the next look. */
    async store(): Promise<void> {
      if (wanted === undefined || wanted === stored) return;
      try {
        await redis.set(keys.goodConfig, wanted);
        stored = wanted;
        troubled = false;
      } catch (error) {
        if (!troubled) log.warn({ err: error }, "the last good settings are not kept for a restart yet");
        troubled = true;
      }
    },
  };
}

/** @throws BrokerError config-invalid for what is no JSON object of texts. */
function parseFields(text: string): Record<string, string> {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text));
  } catch (error) {
    const problems = ["not a JSON object of texts"];
    throw new BrokerError("config-invalid", problems.join(), { cause: error, details: { problems } });
  }
}
