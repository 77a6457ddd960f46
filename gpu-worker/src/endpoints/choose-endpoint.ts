import type { Endpoint, EndpointPlace } from "../endpoint.js";
import type { PeerTimes } from "../health/slowness.js";

/** Where a batch runs. */
export interface ChosenEndpoint {
  readonly endpoint: Endpoint;
  readonly place: EndpointPlace;
}

/** An endpoint has at most so many times the batches of its slots in hand: more would only wait there, under their leases. */
const MOST_IN_HAND = 2;

/**
 * The endpoint of the slot that has the batch, or, where the breaker of its model is open, another one that works: a few
 * batches more than the slots of that one are better than to pass the work around.
 * @param model its key. @returns undefined if the batch must be left to another process, or to another time.
 */
export function chooseEndpoint(own: Endpoint, all: readonly Endpoint[], model: string): ChosenEndpoint | undefined {
  if (!own.isReady()) return undefined;
  const place = own.admit(model);
  if (place) return { endpoint: own, place };
  const working = all.filter((other) => other !== own && worksFor(other, model) && hasRoom(other));
  const [endpoint] = working.sort((a, b) => a.inHand() / a.limit() - b.inHand() / b.limit());
  const handed = endpoint?.admit(model);
  return endpoint && handed && { endpoint, place: handed };
}

/** What a model takes on the other endpoints; undefined if none could do it now. */
export function peerTimes(all: readonly Endpoint[], url: string, model: string): PeerTimes | undefined {
  const peers = all.filter((other) => other.url !== url && worksFor(other, model));
  if (peers.length === 0) return undefined;
  return {
    stretch: Math.min(...peers.map((peer) => peer.stretch(model) ?? Infinity)),
    usualMs(rows) {
      const known = peers.flatMap((peer) => peer.usualMs(model, rows) ?? []);
      return known.length > 0 ? Math.min(...known) : undefined;
    },
  };
}

function hasRoom(endpoint: Endpoint): boolean {
  return endpoint.inHand() < MOST_IN_HAND * endpoint.limit();
}

function worksFor(endpoint: Endpoint, model: string): boolean {
  return endpoint.isReady() && endpoint.limit() > 0 && endpoint.stretch(model) !== undefined;
}
