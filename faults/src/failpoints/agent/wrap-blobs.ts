import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { resolve, sep } from "node:path";

import type { Failpoints } from "./failpoints.js";

const CALLS = ["mkdir", "open", "opendir", "readFile", "rename", "rm", "stat", "writeFile"] as const;

type AnyCall = (path: unknown, ...rest: unknown[]) => Promise<unknown>;

/** Puts points around everything that is done to files below `folder`: `blob-writeFile`, `blob-rename`, `blob-sync`. */
export function wrapBlobs(folder: string, points: Failpoints): void {
  const isBlob = (path: unknown): boolean =>
    typeof path === "string" && `${resolve(path)}${sep}`.startsWith(folder + sep);
  const calls = fs as unknown as Record<string, AnyCall>;
  for (const name of CALLS) {
    const original = calls[name];
    if (original === undefined) continue;
    calls[name] = async (path, ...rest) => {
      if (!isBlob(path)) return original(path, ...rest);
      const done = await around(points, `blob-${name}`, () => original(path, ...rest));
      if (name === "open") wrapSync(done as FileHandle, points);
      return done;
    };
  }
  // `import { rename } from "node:fs/promises"` sees it too.
  syncBuiltinESMExports();
}

function wrapSync(handle: FileHandle, points: Failpoints): void {
  const sync = handle.sync.bind(handle);
  handle.sync = () => around(points, "blob-sync", sync);
}

async function around<Result>(points: Failpoints, effect: string, work: () => Promise<Result>): Promise<Result> {
  points.hit("before", effect);
  const result = await work();
  points.hit("after", effect);
  return result;
}
