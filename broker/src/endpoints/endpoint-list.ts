import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import {
  type EndpointAddress,
  formatPoolEndpoint,
  parseEndpointAddress,
  parsePoolEndpoint,
  type PoolEndpoint,
} from "./pool-endpoint.js";

/**
 * Names a Triton to the workers of a pool that follow the list, or ends its draining, or changes its weight.
 * @throws BrokerError config-invalid for what is no address, storage-unavailable
 */
export async function addEndpoint(redis: RedisClient, pool: string, address: EndpointAddress): Promise<void> {
  await write(redis, pool, { ...address, state: "active" });
}

/**
 * Lets an endpoint end what it has in hand and begin nothing more. It need not be on the list: one that workers have
 * from their configuration is drained too.
 * @throws BrokerError config-invalid for what is no address, storage-unavailable
 */
export async function drainEndpoint(redis: RedisClient, pool: string, url: string): Promise<void> {
  const known = await guarded(() => redis.hget(keys.endpoints(pool), url));
  const weight = parsePoolEndpoint(url, known ?? "")?.weight ?? 1;
  await write(redis, pool, { url, weight, state: "draining" });
}

/**
 * Takes an endpoint off the list: workers drain it and close their connections. One that workers have from their
 * configuration is again what that says.
 * @returns whether it was on the list. @throws BrokerError storage-unavailable
 */
export async function removeEndpoint(redis: RedisClient, pool: string, url: string): Promise<boolean> {
  return (await guarded(() => redis.hdel(keys.endpoints(pool), url))) === 1;
}

/** The list by address; undefined where a value cannot be read. @throws BrokerError storage-unavailable */
export async function readEndpoints(
  redis: RedisClient,
  pool: string,
): Promise<ReadonlyMap<string, PoolEndpoint | undefined>> {
  const hash = await guarded(() => redis.hgetall(keys.endpoints(pool)));
  const rows = Object.entries(hash).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(rows.map(([url, value]) => [url, parsePoolEndpoint(url, value)]));
}

async function write(redis: RedisClient, pool: string, endpoint: PoolEndpoint): Promise<void> {
  const text = formatPoolEndpoint(endpoint);
  if (!parseEndpointAddress(endpoint.url) || !parsePoolEndpoint(endpoint.url, text)) {
    throw new BrokerError(
      "config-invalid",
      `${endpoint.url} with weight ${endpoint.weight} is no HOST:PORT with a weight`,
    );
  }
  await guarded(() => redis.hset(keys.endpoints(pool), endpoint.url, text));
}

async function guarded<Reply>(call: () => Promise<Reply>): Promise<Reply> {
  try {
    return await call();
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the endpoints of a pool could not be read or written");
  }
}
