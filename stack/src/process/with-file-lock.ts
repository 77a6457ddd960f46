import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Runs `work` while no other process on this machine holds the lock `file`. The kernel holds it (flock(2), through the
 * program of that name in util-linux), so that a process that dies gives it back, and no stale file blocks anybody.
 * Linux only.
 * @throws Error if there is no `flock` program; what `work` throws.
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  // Holds the lock until its stdin is closed: by us below, or by the kernel when we die.
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo locked; exec cat"], {
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = once(holder, "close");
  try {
    const locked = await Promise.race([once(holder.stdout, "data").then(() => true), ended.then(() => false)]);
    if (!locked) throw new Error(`flock did not lock ${file}`);
    return await work();
  } finally {
    holder.stdin.end();
    await ended.catch(() => undefined);
  }
}
