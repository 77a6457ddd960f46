import { findExecutable } from "../process/find-executable.js";
import { runCommand } from "../process/run-command.js";
import type { Progress } from "../progress.js";
import { REDIS_PROGRAMS } from "../redis/start-redis-server.js";
import { findPackageManager, installPackages, type PackageManager } from "./install-packages.js";
import { SetupError } from "./setup-error.js";

const PACKAGE = {
  "apt-get": "redis-server",
  dnf: "redis",
  apk: "redis",
  brew: "redis",
} as const satisfies Record<PackageManager, string>;

const OTHER_WAYS = "install Redis 7 or later (redis-server), or set REDIS_URL to one that runs elsewhere";

/**
 * The path of a redis-server (or valkey-server) that is new enough, installed with the machine's package manager if
 * there is none.
 * @throws SetupError that says what to do if there is none afterwards.
 */
export async function ensureRedis(progress: Progress): Promise<string> {
  const found = findExecutable(REDIS_PROGRAMS) ?? (await installRedis(progress));
  const { stdout } = await runCommand(found, ["--version"]);
  const problem = whyRedisIsTooOld(stdout);
  if (problem !== undefined) throw new SetupError(`${found} ${problem}: ${OTHER_WAYS}.`);
  return found;
}

/**
 * Undefined if this server will do, else why not. Sharded channels and `#!lua` headers came with Redis 7.0.
 * @param version what `redis-server --version` prints: `Redis server v=7.0.15 sha=...`.
 */
export function whyRedisIsTooOld(version: string): string | undefined {
  const number = /v=(\d+)[.\d]*/.exec(version);
  if (number === null) return "does not tell its version";
  return Number(number[1]) >= 7 ? undefined : `is too old (${number[0].slice(2)})`;
}

async function installRedis(progress: Progress): Promise<string> {
  const manager = findPackageManager();
  if (manager === undefined) throw new SetupError(`Sluice needs Redis: ${OTHER_WAYS}.`);
  try {
    await progress.step(`Installing Redis with ${manager}`, () => installPackages(manager, [PACKAGE[manager]]));
  } catch (cause) {
    throw new SetupError(`${manager} could not install Redis: ${OTHER_WAYS}. (${String(cause)})`, { cause });
  }
  const installed = findExecutable(REDIS_PROGRAMS);
  if (installed === undefined)
    throw new SetupError(`${manager} installed Redis, but it is not on PATH: ${OTHER_WAYS}.`);
  return installed;
}
