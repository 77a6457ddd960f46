import { Cluster, Command, type Redis } from "ioredis";
import { BrokerError } from "../errors.js";
import type { RedisClient } from "./connect.js";

/** What a Redis server says of itself, as far as promises depend on it. */
export interface ServerFacts {
  /** For messages: `HOST:PORT`. */
  readonly address: string;
  /** New whenever the server starts. */
  readonly runId: string;
  /** Major, minor, patch. Valkey says which Redis it is compatible with. */
  readonly version: readonly number[];
  readonly maxmemoryPolicy: string;
  readonly appendOnly: boolean;
  /** `unknown` where CONFIG is forbidden. */
  readonly appendFsync: string;
  readonly knowsWaitAof: boolean;
  /** Replicas that are connected. */
  readonly replicas: number;
}

/** Asks every master. @throws BrokerError storage-unavailable */
export async function readServerFacts(redis: RedisClient): Promise<ServerFacts[]> {
  try {
    const masters = redis instanceof Cluster ? redis.nodes("master") : [redis];
    return await Promise.all(masters.map(readFactsOf));
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "Redis did not say how it is set up");
  }
}

/** Asks the server behind one connection. @throws the Redis error */
export async function readFactsOf(redis: Redis): Promise<ServerFacts> {
  const [text, appendFsync, commands] = await Promise.all([
    redis.info(),
    readAppendFsync(redis),
    redis.sendCommand(new Command("COMMAND", ["INFO", "waitaof"])) as Promise<unknown[]>,
  ]);
  const info = parseInfo(text);
  const { host, port } = redis.options;
  return {
    address: `${host ?? ""}:${port ?? ""}`,
    runId: info.get("run_id") ?? "",
    version: (info.get("redis_version") ?? "").split(".").map(Number),
    maxmemoryPolicy: info.get("maxmemory_policy") ?? "unknown",
    appendOnly: info.get("aof_enabled") === "1",
    appendFsync,
    knowsWaitAof: Array.isArray(commands[0]),
    replicas: Number(info.get("connected_slaves") ?? 0),
  };
}

/** Hosted servers may forbid CONFIG. */
async function readAppendFsync(redis: Redis): Promise<string> {
  try {
    const [, value] = await redis.config("GET", "appendfsync");
    return value ?? "unknown";
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return "unknown";
    throw error;
  }
}

/** The `name:value` lines of INFO. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) values.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return values;
}
