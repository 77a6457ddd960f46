import { mkdir, opendir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { BrokerError } from "../errors.js";
import { parseTaskId } from "../ids.js";
import type { BlobStore } from "./blob-store.js";

/** Blobs as files of one directory, which api and workers of one machine share. A file appears whole, by rename. */
export function createLocalBlobStore(directory: string, now: () => number = Date.now): BlobStore {
  let writes = 0;
  const fileOf = (blobId: string) => {
    if (!parseTaskId(blobId)) throw new BrokerError("internal", "not a blob id");
    return path.join(directory, blobId.slice(-2), blobId);
  };
  const guarded = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw BrokerError.from(error, "storage-unavailable", "the blob store did not carry out an operation");
    }
  };
  return {
    put: (blobId, bytes) =>
      guarded(async () => {
        const file = fileOf(blobId);
        await mkdir(path.dirname(file), { recursive: true });
        const unfinished = `${file}.${process.pid}-${++writes}.part`;
        await writeFile(unfinished, bytes);
        await rename(unfinished, file);
      }),
    get: (blobId) =>
      guarded(async () => {
        try {
          return await readFile(fileOf(blobId));
        } catch (error) {
          if (isMissing(error)) return undefined;
          throw error;
        }
      }),
    delete: (blobId) => guarded(() => rm(fileOf(blobId), { force: true })),
    async *listOlderThan(ageMs) {
      for await (const file of filesBelow(directory)) {
        const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
        if (mtimeMs > now() - ageMs) continue;
        const name = path.basename(file);
        if (parseTaskId(name)) yield name;
        // What is left of a write that a crash cut off.
        else if (name.endsWith(".part")) await rm(file, { force: true });
      }
    },
  };
}

async function* filesBelow(directory: string): AsyncIterable<string> {
  try {
    for await (const entry of await opendir(directory, { recursive: true })) {
      if (entry.isFile()) yield path.join(entry.parentPath, entry.name);
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
