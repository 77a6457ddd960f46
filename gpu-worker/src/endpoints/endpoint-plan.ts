import { type EndpointAddress, parseEndpointAddress, type PoolEndpoint } from "@sluice/broker";

/** Says that a worker has no endpoints but those that operators name while it runs. */
const NONE = "none";

/**
 * Reads `HOST:PORT,HOST:PORT*2`, or `none`.
 * @returns undefined if it is not such a list, or names an endpoint twice.
 */
export function parseEndpointAddresses(text: string): readonly EndpointAddress[] | undefined {
  if (text === NONE) return [];
  const addresses: EndpointAddress[] = [];
  for (const item of text.split(",")) {
    const address = parseEndpointAddress(item.trim());
    if (!address || addresses.some(({ url }) => url === address.url)) return undefined;
    addresses.push(address);
  }
  return addresses;
}

/** The endpoints that a worker is to have: those of its configuration and of the live list, which knows better. */
export function planEndpoints(configured: readonly EndpointAddress[], live: readonly PoolEndpoint[]): PoolEndpoint[] {
  const plan = new Map<string, PoolEndpoint>();
  for (const address of configured) plan.set(address.url, { ...address, state: "active" });
  for (const endpoint of live) plan.set(endpoint.url, endpoint);
  return [...plan.values()];
}

/** How many batches an endpoint of this weight has in flight, at least one. */
export function slotsOfWeight(slots: number, weight: number): number {
  return Math.max(1, Math.round(slots * weight));
}
