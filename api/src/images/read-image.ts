import { BrokerError } from "@sluice/broker";
import type { Dispatcher } from "undici";
import type { BodyShare } from "../http/body-intake.js";

/** A picture as some server sent it. */
export interface FetchedImage {
  readonly bytes: Buffer;
  /** Its media type, where the server said that it is an image; undefined where it did not, or only "some bytes". */
  readonly declaredType: string | undefined;
}

/**
 * Reads the answer to a GET into memory, as far as the limit.
 * @param share counts its bytes: all of them at once where Content-Length tells, else as they come.
 * @throws BrokerError input-fetch-failed | payload-too-large | overloaded; before anything is read where the headers tell
 */
export async function readImage(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  share: BodyShare,
): Promise<FetchedImage> {
  if (statusCode !== 200) throw fetchFailed(`its server answered ${statusCode}`);
  const encoding = String(headers["content-encoding"] ?? "identity");
  if (encoding.toLowerCase() !== "identity") throw fetchFailed("its server compressed it, and was asked not to");
  const count = (bytes: number) => {
    if (bytes > maxBytes) throw new BrokerError("payload-too-large", `an image may have at most ${maxBytes} bytes`);
    share.require(bytes);
  };
  count(Number(headers["content-length"] ?? 0));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    count(bytes);
    chunks.push(chunk);
  }
  if (bytes === 0) throw fetchFailed("its server sent nothing");
  return { bytes: Buffer.concat(chunks), declaredType: imageTypeOf(headers["content-type"]) };
}

function imageTypeOf(header: string | string[] | undefined): string | undefined {
  const type = /^\s*(image\/[a-z0-9.+-]+)\s*(?:;|$)/i.exec(String(header));
  return type?.[1]?.toLowerCase();
}

function fetchFailed(why: string): BrokerError {
  return new BrokerError("input-fetch-failed", `the image could not be fetched: ${why}`);
}
