import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";

/** One change of a setting that was made with `changeSetting`. */
export interface SettingLogEntry {
  /** Its place in the log. */
  readonly id: string;
  /** Milliseconds since 1970, by the clock of Redis. */
  readonly atMs: number;
  readonly by: string;
  readonly field: string;
  /** Undefined: it was not set. */
  readonly old: string | undefined;
  /** Undefined: it was taken away. */
  readonly new: string | undefined;
}

/** The latest changes, the oldest of them first. @throws BrokerError storage-unavailable */
export async function readSettingsLog(redis: RedisClient, count: number): Promise<SettingLogEntry[]> {
  try {
    const entries = await redis.xrevrange(keys.configLog, "+", "-", "COUNT", String(count));
    return entries.map(([id, fields]) => toEntry(id, fields)).reverse();
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the log of settings could not be read");
  }
}

/** The fields of `sluice:config` at one moment, and the changes that were noted until then, after the entry `afterId`. */
export interface SettingsHistory {
  readonly written: Readonly<Record<string, string>>;
  readonly entries: readonly SettingLogEntry[];
}

/** @throws BrokerError storage-unavailable */
export async function readSettingsHistory(redis: RedisClient, afterId: string): Promise<SettingsHistory> {
  try {
    const replies = await redis.multi().hgetall(keys.config).xrange(keys.configLog, `(${afterId}`, "+").exec();
    const [written, entries] = (replies ?? []).map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });
    return {
      written: written as Record<string, string>,
      entries: (entries as [string, string[]][]).map(([id, fields]) => toEntry(id, fields)),
    };
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the settings could not be read");
  }
}

function toEntry(id: string, flat: readonly string[]): SettingLogEntry {
  const fields = new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? ""] as const] : [])));
  return {
    id,
    atMs: Number(id.split("-")[0]),
    by: fields.get("by") ?? "",
    field: fields.get("field") ?? "",
    old: fields.get("old"),
    new: fields.get("new"),
  };
}
