import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const PIECE = Buffer.alloc(64 * 1024, 1);
const FILLER = "filler";

/** A file system of its own that is soon full. */
export interface SmallDisk {
  /** Writes until nothing fits any more. @returns how many bytes that took. */
  fill(): Promise<number>;
  /** Takes away what `fill` wrote. */
  free(): Promise<void>;
}

/** Why there can be none here; undefined if there can. */
export async function lacksSmallDisk(): Promise<string | undefined> {
  const dir = await mkdtemp(join(tmpdir(), "sluice-disk-"));
  try {
    await withSmallDisk(dir, 1, () => Promise.resolve());
    return undefined;
  } catch (error) {
    return `a file system in memory cannot be mounted, which takes Linux and root (${String(error).split("\n")[0]})`;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Mounts one of so many MiB at `dir` while `work` runs. @throws Error if that is not allowed. */
export async function withSmallDisk<T>(
  dir: string,
  sizeMib: number,
  work: (disk: SmallDisk) => Promise<T>,
): Promise<T> {
  await mkdir(dir, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", `size=${sizeMib}m`, "tmpfs", dir]);
  try {
    return await work({ fill: () => fill(join(dir, FILLER)), free: () => rm(join(dir, FILLER), { force: true }) });
  } finally {
    await run("umount", [dir]);
  }
}

/** In smaller and smaller pieces, so that no part of a page is left. */
async function fill(path: string): Promise<number> {
  const file = await open(path, "a");
  let written = 0;
  try {
    for (let size = PIECE.length; size >= 1;) {
      try {
        const { bytesWritten } = await file.write(PIECE, 0, size);
        written += bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        size = Math.floor(size / 2);
      }
    }
    return written;
  } finally {
    await file.close();
  }
}
