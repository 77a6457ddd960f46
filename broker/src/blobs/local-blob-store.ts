import { mkdir, opendir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { BrokerError } from "../errors.js";
import { parseTaskId } from "../ids.js";
import type { BlobStore } from "./blob-store.js";
import { forceFolder, makeForcedFolder } from "./forced-folder.js";

/** How it stores. */
export interface LocalBlobStoreOptions {
  /** Whether `put` waits until the blob would outlive a loss of power: 2 forced writes. @defaultValue false */
  readonly forced?: boolean;
  /** @defaultValue the clock of this machine */
  readonly now?: () => number;
}

/** Blobs as files of one directory, which api and workers of one machine share. A file appears whole, by rename. */
export function createLocalBlobStore(
  directory: string,
  { forced = false, now = Date.now }: LocalBlobStoreOptions = {},
): BlobStore {
  let writes = 0;
  const makeFolder = forced ? makeForcedFolder() : (folder: string) => mkdir(folder, { recursive: true });
  const fileOf = (blobId: string) => {
    if (!parseTaskId(blobId)) throw new BrokerError("internal", "not a blob id");
    return path.join(directory, blobId.slice(-2), blobId);
  };
  return {
    put: (blobId, bytes) =>
      guarded(async () => {
        const file = fileOf(blobId);
        await makeFolder(path.dirname(file));
        const unfinished = `${file}.${process.pid}-${++writes}.part`;
        await writeFile(unfinished, bytes, { flush: forced });
        await rename(unfinished, file);
        if (forced) await forceFolder(path.dirname(file));
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
    delete: (blobId, minAgeMs = 0) =>
      guarded(async () => {
        const file = fileOf(blobId);
        if (minAgeMs > 0 && (await writtenMs(file)) > now() - minAgeMs) return;
        await rm(file, { force: true });
      }),
    async *listOlderThan(ageMs) {
      for await (const file of filesBelow(directory)) {
        if ((await writtenMs(file)) > now() - ageMs) continue;
        const name = path.basename(file);
        if (parseTaskId(name)) yield name;
        // What is left of a write that a crash cut off.
        else if (name.endsWith(".part")) await rm(file, { force: true });
      }
    },
  };
}

async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the blob store did not carry out an operation");
  }
}

/** When a file was written; Infinity if it is not there. */
async function writtenMs(file: string): Promise<number> {
  return await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity,
  );
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
