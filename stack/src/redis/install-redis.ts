import type { Progress } from "../progress.js";
import { findPackageManager, installPackages } from "../system-packages.js";
import { findOnPath } from "./find-on-path.js";

/**
 * Makes sure that there is a redis-server or valkey-server on PATH.
 * @throws Error with one sentence that says what to install.
 */
export async function ensureRedisInstalled(progress: Progress): Promise<void> {
  if ((await findOnPath("redis-server")) ?? (await findOnPath("valkey-server"))) return;
  const name = (await findPackageManager()) === "apt-get" ? "redis-server" : "redis";
  await progress.step("installing Redis", () => installPackages([name]));
}
