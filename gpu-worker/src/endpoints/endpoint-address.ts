/** One Triton that a pool is served by. */
export interface EndpointAddress {
  /** `host:port` of its gRPC port: its name, too. */
  readonly url: string;
  /** Its part of the slots against others: 2 gets twice as many as 1. Slots that pull balance by themselves; mostly 1. */
  readonly weight: number;
}

/** Above it a weight is a mistake. */
const MAX_WEIGHT = 64;
const ADDRESS = /^([^\s/,;*]+:\d{1,5})(?:\*(\d{1,3}(?:\.\d{1,3})?))?$/;

/**
 * Reads `HOST:PORT,HOST:PORT*2`.
 * @returns undefined if it is not such a list, or names an endpoint twice.
 */
export function parseEndpointAddresses(text: string): readonly EndpointAddress[] | undefined {
  const addresses: EndpointAddress[] = [];
  for (const item of text.split(",")) {
    const [, url, weightText = "1"] = ADDRESS.exec(item.trim()) ?? [];
    const weight = Number(weightText);
    if (url === undefined || weight <= 0 || weight > MAX_WEIGHT) return undefined;
    if (addresses.some((address) => address.url === url)) return undefined;
    addresses.push({ url, weight });
  }
  return addresses;
}

/** How many batches an endpoint of this weight has in flight, at least one. */
export function slotsOfWeight(slots: number, weight: number): number {
  return Math.max(1, Math.round(slots * weight));
}
