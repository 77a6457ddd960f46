import { BrokerError, readS3Object, type S3Name, type S3Objects, withS3Retries } from "@sluice/broker";
import type { BodyShare } from "../http/body-intake.js";
import { untilGivenUp } from "./until-given-up.js";

/**
 * Fetches an object from a bucket that the deployment allows.
 * @param share counts its bytes. The fetch is given up when the share says that nobody waits for the rest.
 * @param signal gives it up, say because the caller went away.
 * @throws BrokerError s3-bucket-not-allowed | input-not-found | input-fetch-failed | input-fetch-timeout |
 * payload-too-large | overloaded | shutting-down
 */
export type FetchObject = (name: S3Name, share: BodyShare, signal?: AbortSignal) => Promise<{ readonly bytes: Buffer }>;

/** Limits of what is fetched. */
export interface S3SourceOptions {
  /** Their objects, and no others, may be fetched. */
  readonly buckets: readonly string[];
  readonly maxBytes: number;
  /** All in all: every attempt, up to the last byte. @defaultValue 5,000 */
  readonly timeoutMs?: number;
}

/** Makes the function that fetches objects. What type S3 has noted for one is not asked: it is seldom set right. */
export function createS3Source(objects: Pick<S3Objects, "get">, options: S3SourceOptions): FetchObject {
  const { buckets, maxBytes, timeoutMs = 5_000 } = options;
  return async (name, share, signal) => {
    if (!buckets.includes(name.bucket)) throw bucketNotAllowed();
    const count = (bytes: number) => {
      if (bytes > maxBytes) throw new BrokerError("payload-too-large", `an image may have at most ${maxBytes} bytes`);
      share.require(bytes);
    };
    const fetchOnce = async (given: AbortSignal): Promise<Buffer> => {
      const found = await objects.get(name, given);
      if (!found) throw new BrokerError("input-not-found", "the bucket has no object with this key");
      return await readS3Object(found, given, count);
    };
    try {
      const limits = { share, timeoutMs, signal };
      return { bytes: await untilGivenUp(limits, (given) => withS3Retries(fetchOnce, { signal: given })) };
    } catch (error) {
      throw BrokerError.from(
        error,
        "input-fetch-failed",
        "the object could not be fetched: its storage did not give it",
      );
    }
  };
}

/** For deployments that allow no bucket. */
export const refuseS3Objects: FetchObject = () => Promise.reject(bucketNotAllowed());

function bucketNotAllowed(): BrokerError {
  return new BrokerError("s3-bucket-not-allowed", "objects of this bucket are not taken here");
}
