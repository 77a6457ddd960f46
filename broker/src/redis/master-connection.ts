import { Command, Redis, type RedisOptions } from "ioredis";
import { BrokerError } from "../errors.js";
import type { Reply } from "../scripts/define-script.js";
import { asList, asNumber, asText } from "../scripts/parse-reply.js";
import { connectionOptions, type RedisClient, serverAddress } from "./connect.js";
import type { RedisTarget } from "./redis-target.js";

/**
 * A connection to the master that holds `key`, not connected yet. It never comes back when it is cut; trouble shows in
 * the commands that are waiting.
 * @param commands resolves which Cluster node holds `key`; unused where there is one server.
 * @throws the Redis error, or BrokerError storage-unavailable if no node holds it.
 */
export async function createMasterConnection(
  target: RedisTarget,
  commands: RedisClient,
  key: string,
  extra: RedisOptions = {},
): Promise<Redis> {
  const node = target.kind === "cluster" ? await nodeOfKey(commands, key) : serverAddress(target);
  const redis = new Redis({ ...connectionOptions(target), ...node, ...extra, retryStrategy: () => null });
  // Without a listener the error would be thrown.
  redis.on("error", () => undefined);
  return redis;
}

/** The master that holds the slot of a key, asked afresh: it moves in a failover. */
async function nodeOfKey(commands: RedisClient, key: string): Promise<{ host: string; port: number }> {
  const ask = (...args: string[]) =>
    commands.sendCommand(new Command("cluster", args, { replyEncoding: null })) as Promise<Reply>;
  const slot = asNumber(await ask("KEYSLOT", key));
  const ranges = asList(await ask("SLOTS"));
  for (const range of ranges) {
    const [first, last, master] = asList(range);
    if (slot < asNumber(first) || slot > asNumber(last)) continue;
    const [host, port] = asList(master);
    return { host: asText(host), port: asNumber(port) };
  }
  throw new BrokerError("storage-unavailable", `no node holds slot ${slot}`);
}
