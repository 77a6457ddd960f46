import {
  type AdmitRequest,
  admitTask,
  BrokerError,
  confirmsEarly,
  connectRedis,
  createConfirmedWrites,
  parseRedisUrl,
  parseSettings,
  type RedisClient,
} from "@sluice/broker";
import type { Logger } from "pino";
import type { LevelServer } from "./start-level-servers.js";

/** A level, ready to admit. */
export interface OpenLevel {
  readonly name: string;
  /** `redis 7.0.15` */
  readonly server: string;
  /** Whether the server says that a write is on the disk before it is: figures are then those of no durability at all. */
  readonly confirmsEarly: boolean;
  /** Whether it was confirmed in time; if not, the API would try again. @throws Error if it cannot be had, or is not new */
  admit(task: AdmitRequest): Promise<boolean>;
  /** Forgets everything that was admitted, replicas as well. */
  clear(): Promise<void>;
  close(): void;
}

/** No queue is full however fast the machine is. */
const SETTINGS = parseSettings({ "queue.max_depth": "10000000" }).forAll;
const CLEAR_WITHIN_MS = 10_000;

/** Connects as the API does; undefined if the server does not know the command that the level needs. */
export async function openLevel({ level, url }: LevelServer, log: Logger): Promise<OpenLevel | undefined> {
  const target = parseRedisUrl(url);
  const redis = await connectRedis(target, log);
  if (level.needsWaitAof && !(await knowsWaitAof(redis))) {
    redis.disconnect();
    return undefined;
  }
  const writes = createConfirmedWrites(target, redis, level.durability);
  return {
    name: level.name,
    server: describeServer(await redis.info("server")),
    confirmsEarly: level.needsWaitAof && (await confirmsEarly(redis, "bench:probe")),
    admit: async (task) => {
      try {
        const { kind } = await writes.run(task.digest.shard, (client) => admitTask(client, task, SETTINGS));
        if (kind === "created") return true;
        throw new Error(`${level.name}: a new task was answered ${kind}`);
      } catch (error) {
        if (error instanceof BrokerError && error.code === "durability-unconfirmed") return false;
        throw error;
      }
    },
    clear: async () => {
      await redis.flushall();
      const copies = level.replicas > 0 ? await redis.wait(level.replicas, CLEAR_WITHIN_MS) : 0;
      if (copies < level.replicas) throw new Error(`${level.name}: the replica is not in sync`);
    },
    close: () => {
      void writes.stop();
      redis.disconnect();
    },
  };
}

async function knowsWaitAof(redis: RedisClient): Promise<boolean> {
  const [known] = (await redis.call("COMMAND", "INFO", "waitaof")) as unknown[];
  return Array.isArray(known);
}

/** Valkey also says which Redis it is compatible with. */
function describeServer(info: string): string {
  const versionOf = (name: string): string | undefined => new RegExp(`^${name}_version:(\\S+)`, "m").exec(info)?.[1];
  const valkey = versionOf("valkey");
  return valkey === undefined ? `redis ${versionOf("redis") ?? "unknown"}` : `valkey ${valkey}`;
}
