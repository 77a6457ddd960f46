import { setTimeout as sleep } from "node:timers/promises";
import {
  BrokerError,
  findSettingProblems,
  readSettingsHistory,
  readSettingsLog,
  type RedisClient,
} from "@sluice/broker";
import type { SluiceIo } from "../sluice-io.js";
import { formatChange, formatLogEntry, formatTime } from "./format-change.js";

const LOOK_EVERY_MS = 250;

/**
 * Tells every change of the settings until the signal is given: who made it, where it was made by command, and what is
 * refused of them from then on.
 * @throws BrokerError storage-unavailable if the settings cannot be read at the start; later it waits for Redis.
 */
export async function watchSettings(
  redis: RedisClient,
  say: (line: string) => void,
  { clock, signal }: Pick<SluiceIo, "clock" | "signal">,
): Promise<void> {
  const [latest] = await readSettingsLog(redis, 1);
  let lastId = latest?.id ?? "0-0";
  let known: Fields = (await readSettingsHistory(redis, lastId)).written;
  let refused = reasonsOf(known);
  if (refused !== "") say(`${formatTime(clock.epochMs())}  refused: ${refused}`);
  let away = false;
  while (!signal.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    try {
      const { written, entries } = await readSettingsHistory(redis, lastId);
      for (const entry of entries) {
        say(formatLogEntry(entry));
        known = entry.new === undefined ? without(known, entry.field) : { ...known, [entry.field]: entry.new };
        lastId = entry.id;
      }
      for (const line of changesByHand(known, written, clock.epochMs())) say(line);
      known = written;
      const reasons = reasonsOf(written);
      if (reasons !== refused) {
        say(
          `${formatTime(clock.epochMs())}  ${reasons === "" ? "all settings are good again" : `refused: ${reasons}`}`,
        );
      }
      refused = reasons;
      away = false;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      if (!away) say(`${formatTime(clock.epochMs())}  ${error.message}; waiting for Redis`);
      away = true;
    }
  }
}

type Fields = Readonly<Record<string, string>>;

/** What nobody has noted in the log: it was written with `HSET` or the like. */
function changesByHand(before: Fields, after: Fields, atMs: number): string[] {
  const fields = Object.keys({ ...before, ...after }).filter((field) => before[field] !== after[field]);
  return fields.map((field) =>
    formatChange(atMs, { field, old: before[field], after: after[field], by: "not by command" }),
  );
}

function without(fields: Fields, gone: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => field !== gone));
}

function reasonsOf(fields: Fields): string {
  return findSettingProblems(fields)
    .map(({ reason }) => reason)
    .join("; ");
}
