import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The floor of everything that waits for a disk: appends `bytes` and forces them out, `count` times. Milliseconds each. */
export function timeForcedWrites(folder: string, count: number, bytes: number): number[] {
  const path = join(folder, "forced-writes");
  const file = openSync(path, "a");
  try {
    return Array.from({ length: count }, () => {
      const startMs = performance.now();
      writeSync(file, Buffer.alloc(bytes));
      fdatasyncSync(file);
      return performance.now() - startMs;
    });
  } finally {
    closeSync(file);
    rmSync(path);
  }
}
