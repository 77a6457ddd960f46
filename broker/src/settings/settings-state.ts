import { z } from "zod";
import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { RedisClient } from "../redis/connect.js";
import { findSettingProblems, type SettingProblem } from "./settings.js";

/** The settings of a running Sluice, as operators see them. */
export interface SettingsState {
  /** The fields of `sluice:config`. */
  readonly written: Readonly<Record<string, string>>;
  /** What is not allowed of them: then the roles refuse them all, and go on with the last good set. */
  readonly problems: readonly SettingProblem[];
  /** The fields that hold: those that are written, or the last good set. What is in neither has its default. */
  readonly inForce: Readonly<Record<string, string>>;
}

/** Reads them once. @throws BrokerError storage-unavailable */
export async function readSettingsState(redis: RedisClient): Promise<SettingsState> {
  try {
    const [written, good] = await Promise.all([redis.hgetall(keys.config), redis.get(keys.goodConfig)]);
    const problems = findSettingProblems(written);
    return { written, problems, inForce: problems.length === 0 ? written : goodSet(good) };
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the settings could not be read");
  }
}

/** The defaults where there is none that this version can take, as in every role. */
function goodSet(text: string | null): Readonly<Record<string, string>> {
  try {
    const set = z.record(z.string(), z.string()).parse(JSON.parse(text ?? "{}"));
    return findSettingProblems(set).length === 0 ? set : {};
  } catch {
    return {};
  }
}
