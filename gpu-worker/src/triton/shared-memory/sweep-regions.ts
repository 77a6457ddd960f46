import { existsSync } from "node:fs";
import { readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { TritonClient } from "../triton-client.js";
import { ignoreMissing, SHARED_MEMORY_FOLDER } from "./region-file.js";
import { isOwnerAlive, parseRegionName } from "./region-name.js";

/** How often a process touches its files. */
export const TOUCH_MS = 20_000;
/** An owner that cannot be seen from here has ended when it did not touch its file for so long. */
const STALE_MS = 3 * TOUCH_MS;

/** Removes the files of processes that have ended without doing so. @returns their names. */
export async function sweepRegionFiles(nowMs: number): Promise<string[]> {
  const names = await readdir(SHARED_MEMORY_FOLDER);
  const removed: string[] = [];
  for (const name of names) {
    if (!(await isLeftOver(name, nowMs))) continue;
    await unlink(join(SHARED_MEMORY_FOLDER, name)).catch(ignoreMissing);
    removed.push(name);
  }
  return removed;
}

/**
 * Makes a Triton forget regions of ours that have no file any more; what it uses at this moment stays. Only for a Triton
 * that was seen to have the same files: another one's regions have theirs elsewhere.
 * @returns their names.
 */
export async function sweepRegistrations(
  client: Pick<TritonClient, "sharedMemoryStatus" | "sharedMemoryUnregister">,
  deadlineMs: number,
): Promise<string[]> {
  const known = [...(await client.sharedMemoryStatus("", { deadlineMs })).keys()];
  const lost = known.filter((name) => parseRegionName(name) && !existsSync(join(SHARED_MEMORY_FOLDER, name)));
  const ends = await Promise.allSettled(lost.map((name) => client.sharedMemoryUnregister(name, { deadlineMs })));
  return lost.filter((_, index) => ends[index]?.status === "fulfilled");
}

async function isLeftOver(name: string, nowMs: number): Promise<boolean> {
  const owner = parseRegionName(name);
  if (owner === undefined) return false;
  const alive = isOwnerAlive(owner);
  if (alive !== undefined) return !alive;
  const file = await stat(join(SHARED_MEMORY_FOLDER, name)).catch(() => undefined);
  return file !== undefined && nowMs - file.mtimeMs > STALE_MS;
}
