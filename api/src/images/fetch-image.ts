import { BrokerError } from "@sluice/broker";
import { isIP } from "node:net";
import { Client } from "undici";
import type { BodyShare } from "../http/body-intake.js";
import { toFetchFailure } from "./fetch-failure.js";
import { type ConnectDeps, createPinnedConnector } from "./pinned-connector.js";
import { type FetchedImage, readImage } from "./read-image.js";
import type { ResolveHost } from "./resolve-host.js";
import { untilGivenUp } from "./until-given-up.js";
import type { UrlGuard } from "./url-guard.js";
import type { VettedUrl } from "./vet-url.js";

/**
 * Fetches the picture behind a URL.
 * @param share counts its bytes. The fetch is given up when the share says that nobody waits for the rest.
 * @param signal gives it up, say because the caller went away.
 * @throws BrokerError url-not-allowed | too-many-redirects | input-fetch-failed | input-fetch-timeout |
 * payload-too-large | overloaded | shutting-down
 */
export type FetchImage = (url: string, share: BodyShare, signal?: AbortSignal) => Promise<FetchedImage>;

/** What fetching works with. Nothing of it looks at the environment: there is no proxy. */
export interface ImageFetcherDeps extends ConnectDeps {
  readonly guard: UrlGuard;
  readonly resolve: ResolveHost;
}

/** Limits of one fetch. */
export interface ImageFetcherOptions {
  readonly maxBytes: number;
  /** All in all: names, connections, redirects, and the last byte. @defaultValue 5,000 */
  readonly timeoutMs?: number;
}

const MAX_REDIRECTS = 3;
const REDIRECTS = [301, 302, 303, 307, 308];

/**
 * Fetches at once. Each may have two descriptors (servers of its name, addresses that are tried together), and clients leave
 * no more than 256 to everything that is not their own connection (`connection-limit.ts`).
 */
const MAX_FETCHES = 64;

const HEADERS = { accept: "image/*", "accept-encoding": "identity", "user-agent": "sluice" };

/** Makes the function that fetches pictures. Each fetch has connections of its own, which end with it. */
export function createImageFetcher(deps: ImageFetcherDeps, options: ImageFetcherOptions): FetchImage {
  const { maxBytes, timeoutMs = 5_000 } = options;
  let running = 0;
  return async (url, share, signal) => {
    if (running >= MAX_FETCHES) throw new BrokerError("overloaded", `${MAX_FETCHES} images are being fetched already`);
    running++;
    try {
      return await untilGivenUp({ share, timeoutMs, signal }, (given) =>
        follow(deps, url, { maxBytes, share, signal: given }),
      );
    } catch (error) {
      throw toFetchFailure(error);
    } finally {
      running--;
    }
  };
}

/** For deployments that fetch nothing. */
export const refuseImageUrls: FetchImage = () =>
  Promise.reject(new BrokerError("url-not-allowed", "images are not fetched from URLs here: send the image itself"));

/** One fetch on its way. */
interface Fetch {
  readonly maxBytes: number;
  readonly share: BodyShare;
  readonly signal: AbortSignal;
}

async function follow(deps: ImageFetcherDeps, url: string, fetch: Fetch): Promise<FetchedImage> {
  let target = deps.guard.url(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await ask(deps, target, fetch);
    if ("bytes" in answer) return answer;
    target = deps.guard.redirect(answer.location, target);
  }
  throw new BrokerError("too-many-redirects", `the URL leads on more than ${MAX_REDIRECTS} times`);
}

/** One request, on a connection of its own. @returns the picture, or where it is */
async function ask(
  { guard, resolve, open, startTls }: ImageFetcherDeps,
  target: VettedUrl,
  { maxBytes, share, signal }: Fetch,
): Promise<FetchedImage | { readonly location: string }> {
  const { url, host, trusted } = target;
  const addresses = isIP(host) > 0 ? [host] : await untilAborted(resolve(host, trusted, signal), signal);
  guard.addresses(target, addresses);
  if (addresses.length === 0) throw new BrokerError("input-fetch-failed", "the host of the image has no address");
  // The timer of the whole fetch stands for undici's own.
  const client = new Client(url.origin, {
    connect: createPinnedConnector({ open, startTls }, addresses, signal),
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  try {
    const path = url.pathname + url.search;
    const response = await client.request({ method: "GET", path, headers: HEADERS, reset: true, signal });
    // A body that is not read to its end is destroyed, which it says as an error.
    response.body.on("error", () => undefined);
    const { location } = response.headers;
    if (REDIRECTS.includes(response.statusCode) && typeof location === "string") return { location };
    return await readImage(response, maxBytes, share);
  } finally {
    await client.destroy();
  }
}

/** For what cannot be cancelled: its result, if it comes before the signal. */
async function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted();
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (onAbort) signal.removeEventListener("abort", onAbort);
  }
}
