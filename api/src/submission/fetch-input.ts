import type { BodyShare } from "../http/body-intake.js";
import type { Exchange } from "../http/exchange.js";
import { whenGone } from "../http/when-gone.js";
import type { FetchImage } from "../images/fetch-image.js";
import type { FetchObject } from "../images/s3-source.js";
import type { DistantImage, SubmittedImage } from "./submission.js";

/** Who has the pictures that a submission only names. */
export interface ImageSources {
  readonly fetchImage: FetchImage;
  readonly fetchObject: FetchObject;
}

/**
 * Fetches a picture. The fetch ends with the connection of whoever asked for it.
 * @throws BrokerError see `createImageFetcher` and `createS3Source`
 */
export async function fetchInput(
  { outgoing }: Exchange,
  named: DistantImage,
  share: BodyShare,
  { fetchImage, fetchObject }: ImageSources,
): Promise<SubmittedImage> {
  const gone = new AbortController();
  whenGone(outgoing, () => gone.abort());
  const { signal } = gone;
  if (named.kind === "s3-object") return { kind: "image", ...(await fetchObject(named, share, signal)) };
  return { kind: "image", ...(await fetchImage(named.url, share, signal)) };
}
