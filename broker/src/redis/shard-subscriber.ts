import type { Logger } from "pino";
import type { Service } from "../service.js";
import { createSubscriberClient, type RedisClient } from "./connect.js";
import { createPoller } from "./poller.js";
import type { RedisTarget } from "./redis-target.js";
import { untilAnswered } from "./until-answered.js";
import { within } from "./within.js";

/** Called for every message, and with undefined when messages may have been missed (the connection was renewed). */
export type ChannelHandler = (message: Buffer | undefined) => void;

/** Subscriptions to shard channels. Messages can be lost at any time: a handler must also look by itself now and then. */
export interface ShardSubscriber extends Service {
  /** Resolves when the server has confirmed the subscription. One handler per channel; a second call replaces it. */
  subscribe(channel: string, handler: ChannelHandler): Promise<void>;
  /** Milliseconds since the server last confirmed all subscriptions. */
  ageMs(): number;
}

/** How often the subscriptions are made again, for a confirmation. */
const CONFIRM_EVERY_MS = 1_000;
const CONFIRM_TIMEOUT_MS = 2_000;

/**
 * A connection (on a Cluster one for each master) that only receives. One on which nothing comes cannot be told from
 * one that is dead, so every subscription is made again now and then, which the server confirms; a connection that
 * does not confirm in time is thrown away.
 */
export function createShardSubscriber(target: RedisTarget, log: Logger): ShardSubscriber {
  const handlers = new Map<string, ChannelHandler>();
  let stopped = false;
  let client = open();
  const confirm = async (): Promise<void> => {
    try {
      await within(Promise.all([...handlers.keys()].map((channel) => client.ssubscribe(channel))), CONFIRM_TIMEOUT_MS);
    } catch (error) {
      renew();
      throw error;
    }
  };
  const poller = createPoller(confirm, CONFIRM_EVERY_MS, log);
  return {
    async start() {
      if (stopped) return;
      // Once begun it goes on by itself.
      await untilAnswered(async () => {
        if (client.status === "wait") await client.connect();
      });
      await poller.start();
    },
    async stop() {
      stopped = true;
      handlers.clear();
      client.disconnect();
      await poller.stop();
    },
    async subscribe(channel, handler) {
      handlers.set(channel, handler);
      for (;;) {
        const asked = client;
        try {
          await asked.ssubscribe(channel);
          return;
        } catch (error) {
          if (asked === client) throw error;
        }
      }
    },
    ageMs: () => poller.ageMs(),
  };

  function open(): RedisClient {
    const opened = createSubscriberClient(target);
    opened.on("error", (error: Error) => log.warn({ err: error }, "redis subscription"));
    opened.on("smessageBuffer", (channel: Buffer, message: Buffer) => handlers.get(channel.toString())?.(message));
    opened.on("ready", () => {
      for (const channel of handlers.keys()) {
        // Only what comes from now on is not missed. If it goes wrong, `confirm` finds out.
        const tell = (): void => handlers.get(channel)?.(undefined);
        opened.ssubscribe(channel).then(tell, () => undefined);
      }
    });
    return opened;
  }

  /** Begins anew with a connection of its own, which subscribes as soon as it is ready. */
  function renew(): void {
    if (stopped) return;
    client.disconnect();
    client = open();
    // It goes on trying by itself, and says so.
    client.connect().catch(() => undefined);
  }
}
