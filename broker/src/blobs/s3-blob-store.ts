import { BrokerError } from "../errors.js";
import { parseTaskId } from "../ids.js";
import type { BucketPrefix } from "./blob-place.js";
import type { BlobStore } from "./blob-store.js";
import type { S3Name, S3Objects } from "./s3-objects.js";
import { readS3Object } from "./s3-read-object.js";
import { withS3Retries } from "./s3-retries.js";

/** How patient it is. */
export interface S3BlobStoreOptions {
  /** What one operation may take with all its attempts, milliseconds. @defaultValue 15,000 */
  readonly totalMs?: number;
  /** Keys that are asked for at once when all are listed. @defaultValue 1,000, the most that S3 gives */
  readonly pageSize?: number;
}

/**
 * Blobs as objects of a bucket, for processes on more than one machine. The storage has an object whole or not at all,
 * and has told so only when it will keep it.
 */
export function createS3BlobStore(
  objects: S3Objects,
  { bucket, prefix }: BucketPrefix,
  { totalMs = 15_000, pageSize = 1_000 }: S3BlobStoreOptions = {},
): BlobStore {
  const nameOf = (blobId: string): S3Name => {
    if (!parseTaskId(blobId)) throw new BrokerError("internal", "not a blob id");
    return { bucket, key: `${prefix}${blobId}` };
  };
  const repeat = <T>(act: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    withS3Retries(act, { signal: AbortSignal.timeout(totalMs) });
  return {
    put: (blobId, bytes) =>
      guarded(async () => {
        const name = nameOf(blobId);
        await repeat((signal) => objects.put(name, bytes, signal));
      }),
    get: (blobId) =>
      guarded(async () => {
        const name = nameOf(blobId);
        return await repeat(async (signal) => {
          const found = await objects.get(name, signal);
          return found && (await readS3Object(found, signal));
        });
      }),
    delete: (blobId, minAgeMs = 0) =>
      guarded(async () => {
        const name = nameOf(blobId);
        await repeat(async (signal) => {
          if (minAgeMs > 0 && ((await objects.ageMs(name, signal)) ?? 0) < minAgeMs) return;
          await objects.delete(name, signal);
        });
      }),
    async *listOlderThan(ageMs) {
      for (let after: string | undefined, isLast = false; !isLast;) {
        const from = { bucket, prefix, after, limit: pageSize };
        const page = await guarded(() => repeat((signal) => objects.list(from, signal)));
        for (const object of page.objects) {
          const blobId = object.key.slice(prefix.length);
          if (object.ageMs >= ageMs && parseTaskId(blobId)) yield blobId;
        }
        after = page.objects.at(-1)?.key;
        ({ isLast } = page);
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
