import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Logger } from "pino";
import { BrokerError } from "../errors.js";
import { handleAsking } from "./handle-asking.js";
import { joinWrites } from "./join-writes.js";
import { LastingRedis } from "./lasting-redis.js";
import type { RedisTarget } from "./redis-target.js";
import { within } from "./within.js";

/** A connection to one Redis, or to a Cluster. Only this package imports ioredis. */
export type RedisClient = Redis | Cluster;

/** How long a command may wait for its reply. */
const COMMAND_TIMEOUT_MS = 5_000;

/**
 * Options that all connections share. Commands in flight when a connection is cut are not sent again (a script may
 * have been carried out), and nothing queues in memory while Redis is away: the caller decides.
 */
export function connectionOptions(target: RedisTarget): RedisOptions {
  return {
    protocol: 2,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    keepAlive: 5_000,
    lazyConnect: true,
    ...(target.username ? { username: target.username } : {}),
    ...(target.password ? { password: target.password } : {}),
    ...(target.tls ? { tls: {} } : {}),
  };
}

/**
 * Opens the connection for ordinary commands and waits until it is ready. It reconnects by itself, also when nothing
 * comes back any more: TCP gives up what it sends to nowhere only after a quarter of an hour, and until then every
 * command would be too late.
 * @throws BrokerError storage-unavailable if Redis cannot be reached within `readyTimeoutMs`.
 */
export async function connectRedis(target: RedisTarget, log: Logger, readyTimeoutMs = 10_000): Promise<RedisClient> {
  const client = createClient(target, { commandTimeout: COMMAND_TIMEOUT_MS, socketTimeout: COMMAND_TIMEOUT_MS }, false);
  client.on("error", (error: Error) => log.warn({ err: error }, "redis connection"));
  if (client instanceof Redis) joinWrites(client);
  else client.on("+node", joinWrites);
  return await ready(client, readyTimeoutMs);
}

/** Opens a connection that only subscribes to shard channels; see `createShardSubscriber`. */
export function createSubscriberClient(target: RedisTarget): RedisClient {
  // Subscriptions may queue and be sent again: repeating them is harmless, and one that is cut off must not hang.
  const queueing = { enableOfflineQueue: true, maxRetriesPerRequest: null, autoResendUnfulfilledCommands: true };
  // ioredis does not handle the error of a subscription that it makes again by itself; it would end the process.
  return createClient(target, { ...queueing, autoResubscribe: false }, true);
}

function createClient(target: RedisTarget, extra: Partial<RedisOptions>, shardedSubscribers: boolean): RedisClient {
  const options = { ...connectionOptions(target), ...extra };
  const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 1_000) * (0.5 + Math.random() / 2);
  if (target.kind !== "cluster") {
    // Told by the Sentinels, a connection leaves a master that was replaced even if that never answers again.
    const failoverDetector = target.kind === "sentinel";
    const address = serverAddress(target);
    const sentinelRetryStrategy = retryStrategy;
    return new LastingRedis({ ...options, ...address, retryStrategy, sentinelRetryStrategy, failoverDetector });
  }
  const { lazyConnect, enableOfflineQueue, ...redisOptions } = options;
  const cluster = new Cluster([...target.nodes], {
    lazyConnect: lazyConnect ?? true,
    enableOfflineQueue: enableOfflineQueue ?? false,
    redisOptions,
    shardedSubscribers,
    clusterRetryStrategy: retryStrategy,
    clusterNodeRetryStrategy: retryStrategy,
    // 16 x 500 ms outlasts a failover (3.4 to 4.1 s measured with a node timeout of 2 s).
    maxRedirections: 16,
    retryDelayOnFailover: 500,
    slotsRefreshInterval: 5_000,
  });
  cluster.on("+node", handleAsking);
  return cluster;
}

/** Where a connection to the one server goes: its address, or the Sentinels that are asked each time. */
export function serverAddress(target: RedisTarget): RedisOptions {
  if (target.kind !== "sentinel") return { ...target.nodes[0] };
  return {
    sentinels: [...target.nodes],
    name: target.masterName ?? "",
    role: "master",
    // Overridden where the connection is to come back: one that gives up here is gone for good.
    sentinelRetryStrategy: () => null,
    // A write that a replica refused was not carried out: ask again who the master is, and let the caller decide.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  };
}

async function ready(client: RedisClient, timeoutMs: number): Promise<RedisClient> {
  const giveUpAt = performance.now() + timeoutMs;
  // A second `connect` rejects with no more than that the first one is still at it.
  let cause: unknown;
  const note = (error: unknown): void => void (cause = error);
  client.on("error", note);
  for (;;) {
    try {
      // Sentinels that do not answer are asked for ever.
      if (client.status !== "ready") await within(client.connect(), giveUpAt - performance.now());
      client.off("error", note);
      return client;
    } catch (error) {
      if (performance.now() > giveUpAt) {
        client.disconnect();
        throw new BrokerError("storage-unavailable", "Redis cannot be reached", { cause: cause ?? error });
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
