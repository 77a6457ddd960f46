import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { changeSettingScript } from "../scripts/change-setting.js";
import { findSettingProblems } from "./settings.js";

/** What an operator wants. */
export interface WantedSetting {
  /** `KEY` or `model.NAME.KEY`. */
  readonly field: string;
  /** Undefined: the setting is to go, so that its default holds. */
  readonly value: string | undefined;
  /** Who, for the log. */
  readonly by: string;
}

/** How many changes are remembered. */
const KEEP_ENTRIES = 1_000;
/** Somebody else changes settings at the same moment: again, but not for ever. */
const MAX_TRIES = 20;

/**
 * Changes one setting, if all settings together are allowed afterwards, by the rule of every role. Where they are not
 * allowed as they stand, what makes them better is taken, and nothing else: it would not come to hold. Nothing is
 * written, and nothing noted, where there is nothing to change.
 * @returns what the field was before; undefined if it was not set.
 * @throws BrokerError config-invalid with the `problems` in its details, and nothing is changed; storage-unavailable
 */
export async function changeSetting(redis: RedisClient, wanted: WantedSetting): Promise<string | undefined> {
  const { field, value, by } = wanted;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await readHash(redis);
    const previous = Object.hasOwn(before, field) ? before[field] : undefined;
    requireAllowed(before, wanted);
    if (previous === value) return previous;
    const reply = await changeSettingScript.run(
      redis,
      { config: keys.config, log: keys.configLog },
      {
        by,
        field,
        operation: value === undefined ? "unset" : "set",
        value: value ?? "",
        keepEntries: KEEP_ENTRIES,
        "expected...": Object.entries(before).flat(),
      },
    );
    if (reply === "changed") return previous;
  }
  throw new BrokerError("storage-unavailable", "others change the settings all the time");
}

async function readHash(redis: RedisClient): Promise<Readonly<Record<string, string>>> {
  try {
    return await redis.hgetall(keys.config);
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the settings could not be read");
  }
}

/** @throws BrokerError config-invalid */
function requireAllowed(before: Readonly<Record<string, string>>, { field, value }: WantedSetting): void {
  const after = new Map(Object.entries(before));
  if (value === undefined) after.delete(field);
  else after.set(field, value);
  const problems = reasonsOf(Object.fromEntries(after));
  const old = reasonsOf(before);
  const isBetter = problems.length < old.length && problems.every((reason) => old.includes(reason));
  if (problems.length === 0 || isBetter) return;
  throw new BrokerError("config-invalid", problems.join("; "), { details: { problems } });
}

function reasonsOf(hash: Readonly<Record<string, string>>): string[] {
  return findSettingProblems(hash).map(({ reason }) => reason);
}
