import type { Endpoint, EndpointPlace } from "../endpoint.js";

/** Where a batch runs. */
export interface ChosenEndpoint {
  readonly endpoint: Endpoint;
  readonly place: EndpointPlace;
}

/**
 * The endpoint of the slot that has the batch, or, where the breaker of its model is open, another one that works: a
 * batch more than the slots of that one is better than to pass the work around.
 * @returns undefined if the batch must be left to another process, or to another time.
 */
export function chooseEndpoint(own: Endpoint, all: readonly Endpoint[], model: string): ChosenEndpoint | undefined {
  if (!own.isReady()) return undefined;
  const place = own.admit(model);
  if (place) return { endpoint: own, place };
  const working = all.filter((other) => other !== own && worksFor(other, model));
  const [endpoint] = working.sort((a, b) => a.inHand() / a.limit() - b.inHand() / b.limit());
  const handed = endpoint?.admit(model);
  return endpoint && handed && { endpoint, place: handed };
}

/** How much longer than usual a model takes on the best of the other endpoints; undefined if none could do it now. */
export function peerStretch(all: readonly Endpoint[], url: string, model: string): number | undefined {
  const stretches = all
    .filter((other) => other.url !== url && worksFor(other, model))
    .flatMap((other) => other.stretch(model) ?? []);
  return stretches.length > 0 ? Math.min(...stretches) : undefined;
}

function worksFor(endpoint: Endpoint, model: string): boolean {
  return endpoint.isReady() && endpoint.limit() > 0 && endpoint.stretch(model) !== undefined;
}
