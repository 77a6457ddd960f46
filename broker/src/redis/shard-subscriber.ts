import type { Logger } from "pino";
import type { Service } from "../service.js";
import { createSubscriberClient } from "./connect.js";
import type { RedisTarget } from "./redis-target.js";

/** Called for every message, and with undefined when messages may have been missed (the connection was renewed). */
export type ChannelHandler = (message: Buffer | undefined) => void;

/** Subscriptions to shard channels. Messages can be lost at any time: a handler must also look by itself now and then. */
export interface ShardSubscriber extends Service {
  /** Resolves when the server has confirmed the subscription. One handler per channel; a second call replaces it. */
  subscribe(channel: string, handler: ChannelHandler): Promise<void>;
}

/** A connection (on a Cluster one for each master) that only receives. */
export function createShardSubscriber(target: RedisTarget, log: Logger): ShardSubscriber {
  const handlers = new Map<string, ChannelHandler>();
  const client = createSubscriberClient(target);
  client.on("error", (error: Error) => log.warn({ err: error }, "redis subscription"));
  client.on("smessageBuffer", (channel: Buffer, message: Buffer) => handlers.get(channel.toString())?.(message));
  client.on("ready", () => {
    for (const handler of handlers.values()) handler(undefined);
  });
  let stopped = false;
  return {
    async start() {
      if (!stopped && client.status === "wait") await client.connect();
    },
    async stop() {
      stopped = true;
      handlers.clear();
      client.disconnect();
    },
    async subscribe(channel, handler) {
      handlers.set(channel, handler);
      await client.ssubscribe(channel);
    },
  };
}
