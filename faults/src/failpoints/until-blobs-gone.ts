import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Beyond the age at which a sweep finds them, two sweeps, and the reaper's grace, as the sweep of points sets them. */
const LIMIT_MS = 60_000;

/**
 * Waits until there is no file below `folder`.
 * @returns those that are left.
 */
export async function untilBlobsGone(folder: string): Promise<string[]> {
  for (const deadlineMs = performance.now() + LIMIT_MS; ; await sleep(500)) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.flatMap((entry) => (entry.isFile() ? [entry.name] : []));
    if (files.length === 0 || performance.now() > deadlineMs) return files;
  }
}
