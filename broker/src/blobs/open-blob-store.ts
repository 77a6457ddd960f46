import { BrokerError } from "../errors.js";
import type { BlobPlace } from "./blob-place.js";
import type { BlobStore } from "./blob-store.js";
import { createLocalBlobStore } from "./local-blob-store.js";
import { createS3BlobStore } from "./s3-blob-store.js";
import { toS3Failure } from "./s3-failure.js";
import { openS3Objects, type S3Objects } from "./s3-objects.js";
import { withS3Retries } from "./s3-retries.js";

/** How it is used. */
export interface BlobStoreUse {
  /** Of a folder: whether `put` waits until the blob would outlive a loss of power. A bucket always does. @defaultValue false */
  readonly forced?: boolean;
  /** Whether blobs are written here, and not only read and deleted: it is tried out. @defaultValue false */
  readonly writes?: boolean;
}

/** Written and deleted when a process starts. */
const PROBE = ".sluice-writable";
const START_MS = 15_000;

/**
 * The blob store at a place. A bucket is asked first whether it is there and takes the credentials.
 * @throws BrokerError config-invalid if the storage refuses; storage-unavailable if it does not answer
 */
export async function openBlobStore(
  place: BlobPlace,
  { forced = false, writes = false }: BlobStoreUse = {},
): Promise<BlobStore> {
  if (place.kind === "folder") return createLocalBlobStore(place.folder, { forced });
  const objects = await openS3Objects(place.access);
  try {
    await withS3Retries((signal) => tryOut(objects, { ...place, writes }, signal), {
      signal: AbortSignal.timeout(START_MS),
    });
  } catch (error) {
    throw whyUnusable(error, place);
  }
  return createS3BlobStore(objects, place);
}

/** The right to list is needed everywhere: without it S3 says "denied" of keys that are not there. */
async function tryOut(
  objects: S3Objects,
  { bucket, prefix, writes }: { readonly bucket: string; readonly prefix: string; readonly writes: boolean },
  signal: AbortSignal,
): Promise<void> {
  await objects.list({ bucket, prefix, limit: 1 }, signal);
  if (!writes) return;
  const probe = { bucket, key: `${prefix}${PROBE}` };
  await objects.put(probe, Buffer.from("sluice"), signal);
  await objects.delete(probe, signal);
}

function whyUnusable(error: unknown, { bucket, access }: Extract<BlobPlace, { kind: "bucket" }>): BrokerError {
  const { code, status } = toS3Failure(error);
  const refuse = (problem: string): BrokerError =>
    new BrokerError("config-invalid", problem, { cause: error, details: { problems: [problem] } });
  if (code === "CredentialsProviderError") {
    return refuse("BLOB_STORE: there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  }
  if (code === "NoSuchBucket") return refuse(`BLOB_STORE: there is no bucket ${bucket}`);
  if (status === 401 || status === 403) return refuse(`BLOB_STORE: the storage refuses the credentials (${code})`);
  if (status !== undefined && status < 500 && status !== 408 && status !== 429) {
    return refuse(`BLOB_STORE: the storage refuses the bucket in S3_REGION ${access.region} (${status} ${code})`);
  }
  const where = access.endpoint ?? `S3 in ${access.region}`;
  return new BrokerError("storage-unavailable", `BLOB_STORE: ${where} does not answer (${code})`, { cause: error });
}
