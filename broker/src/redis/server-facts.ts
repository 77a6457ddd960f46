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
  /** While a snapshot or a new log is written it forces nothing to the disk; false where CONFIG is forbidden. */
  readonly pausesFsync: boolean;
  /** The last write to its log failed: it refuses all writes (`MISCONF`) until one succeeds. */
  readonly logFails: boolean;
  /** So it does where its last snapshot failed and `stop-writes-on-bgsave-error` is on; false where CONFIG is forbidden. */
  readonly snapshotFails: boolean;
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
  const [text, config, commands] = await Promise.all([
    redis.info(),
    readConfig(redis),
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
    appendFsync: config.get("appendfsync") ?? "unknown",
    pausesFsync: config.get("no-appendfsync-on-rewrite") === "yes",
    logFails: info.get("aof_last_write_status") === "err",
    snapshotFails: info.get("rdb_last_bgsave_status") === "err" && stopsAfterFailedSnapshot(config),
    knowsWaitAof: Array.isArray(commands[0]),
    replicas: Number(info.get("connected_slaves") ?? 0),
  };
}

const CONFIG_NAMES = ["appendfsync", "no-appendfsync-on-rewrite", "save", "stop-writes-on-bgsave-error"] as const;

/** What INFO does not tell. Hosted servers may forbid CONFIG: nothing is known then. */
async function readConfig(redis: Redis): Promise<ReadonlyMap<string, string>> {
  try {
    const words = await redis.config("GET", ...CONFIG_NAMES);
    return new Map(words.flatMap((name, index) => (index % 2 === 0 ? [[name, words[index + 1] ?? ""] as const] : [])));
  } catch (error) {
    if (error instanceof Error && error.name === "ReplyError") return new Map();
    throw error;
  }
}

/** https://redis.io/docs/latest/operate/oss_and_stack/management/config/ (stop-writes-on-bgsave-error) */
function stopsAfterFailedSnapshot(config: ReadonlyMap<string, string>): boolean {
  return config.get("stop-writes-on-bgsave-error") === "yes" && (config.get("save") ?? "") !== "";
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
