import type { S3Client } from "@aws-sdk/client-s3";
import { Readable } from "node:stream";
import type { S3Access } from "./blob-place.js";
import { isKeyMissing, toS3Failure } from "./s3-failure.js";

/** Where an object lies. */
export interface S3Name {
  readonly bucket: string;
  readonly key: string;
}

/** An object whose bytes are still to come. Whoever has it must read it to the end, or destroy its body. */
export interface S3Object {
  /** Its length, if the storage told it. */
  readonly byteLength: number | undefined;
  readonly body: Readable;
}

/** Some of the keys of a bucket. */
export interface S3Page {
  readonly objects: readonly { readonly key: string; readonly ageMs: number }[];
  readonly isLast: boolean;
}

/**
 * The few operations on a storage that Sluice needs, each one attempt. They throw what the SDK throws, to be read with
 * `toS3Failure`. An age is the least that it may be: times of S3 have whole seconds. It is told by the storage's clock.
 */
export interface S3Objects {
  /** Stores it whole or not at all. */
  put(name: S3Name, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Undefined if there is no such key. The signal goes for the body too. */
  get(name: S3Name, signal: AbortSignal): Promise<S3Object | undefined>;
  /** Milliseconds since it was written; undefined if there is no such key. */
  ageMs(name: S3Name, signal: AbortSignal): Promise<number | undefined>;
  /** It need not be there. */
  delete(name: S3Name, signal: AbortSignal): Promise<void>;
  /** At most `limit` (1,000) of the keys that begin with a prefix, in their order, from the first after `after` on. */
  list(
    from: {
      readonly bucket: string;
      readonly prefix: string;
      readonly after?: string | undefined;
      readonly limit?: number;
    },
    signal: AbortSignal,
  ): Promise<S3Page>;
}

/** Until a connection stands, and between two sights of life on it. */
const CONNECT_MS = 2_000;
const SILENT_MS = 5_000;
/** Whoever finds them all in use waits. The api leaves 256 descriptors to all that is not a client's connection. */
const MAX_SOCKETS = 32;
/** Of times in S3. */
const RESOLUTION_MS = 1_000;

/** Loads the SDK, which takes 0.1 s and 20 MB: only who uses S3 pays for it. Nothing is sent yet. */
export async function openS3Objects(access: S3Access): Promise<S3Objects> {
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client(clientOptions(access));
  const ageOf = createAges(client);
  return {
    async put({ bucket, key }, bytes, abortSignal) {
      const request = { Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.byteLength };
      await client.send(new sdk.PutObjectCommand(request), { abortSignal });
    },
    get: ({ bucket, key }, abortSignal) =>
      unlessMissing(async () => {
        const found = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
        if (!(found.Body instanceof Readable)) throw new Error("the SDK gave no stream");
        return { byteLength: found.ContentLength, body: found.Body };
      }),
    ageMs: ({ bucket, key }, abortSignal) =>
      unlessMissing(async () => {
        const found = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
        return ageOf(found.LastModified);
      }),
    async delete({ bucket, key }, abortSignal) {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
    },
    async list({ bucket, prefix, after, limit = 1_000 }, abortSignal) {
      const request = { Bucket: bucket, Prefix: prefix, StartAfter: after, MaxKeys: limit };
      const page = await client.send(new sdk.ListObjectsV2Command(request), { abortSignal });
      const objects = (page.Contents ?? []).map(({ Key = "", LastModified }) => ({
        key: Key,
        ageMs: ageOf(LastModified),
      }));
      // A storage that gave nothing has nothing after it either, whatever it says.
      return { objects, isLast: page.IsTruncated !== true || objects.length === 0 };
    },
  };
}

function clientOptions({ endpoint, region }: S3Access) {
  return {
    region,
    // Storages of one's own seldom have a DNS name for each bucket.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    // Attempts are counted by who knows what they are for; see `withS3Retries`.
    maxAttempts: 1,
    // Beyond the SHA-256 that signs every body: not every storage knows them.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // It would cost a connection of its own for each body.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SILENT_MS,
      httpAgent: { maxSockets: MAX_SOCKETS },
      httpsAgent: { maxSockets: MAX_SOCKETS },
    },
  } as const;
}

/** Tells how old something is by the clock of the storage, which stands in each of its answers. */
function createAges(client: S3Client): (written: Date | undefined) => number {
  let aheadMs = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> };
      const toldMs = Date.parse(headers?.["date"] ?? "");
      if (!Number.isNaN(toldMs)) aheadMs = toldMs - Date.now();
      return result;
    },
    { step: "deserialize", name: "sluiceStorageClock" },
  );
  return (written) => (written ? Math.max(0, Date.now() + aheadMs - written.getTime() - RESOLUTION_MS) : 0);
}

async function unlessMissing<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (isKeyMissing(toS3Failure(error))) return undefined;
    throw error;
  }
}
