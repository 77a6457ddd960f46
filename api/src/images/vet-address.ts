import { BrokerError } from "@sluice/broker";
import ipaddr from "ipaddr.js";
import { isIP } from "node:net";

/** A range of addresses: the first one, and how many of its leading bits they share. */
export type AddressRange = ReturnType<typeof ipaddr.parseCIDR>;

/**
 * Of IPv6 only this has ever been given out to networks (RFC 4291; IANA's registry of global unicast addresses). The library
 * counts the rest as unicast too where it has no name for it, such as the old form of IPv4 addresses (`::7f00:1`).
 */
const GIVEN_OUT = ipaddr.parseCIDR("2000::/3");

/** Host services of Azure at an address that is public by its number. */
const AZURE_HOST = "168.63.129.16";

/**
 * Whether an address belongs to a host of the public internet, and to nothing else: not private, shared, link-local,
 * loopback, multicast, broadcast, reserved, and no IPv6 address that leads to an IPv4 one (mapped, NAT64, 6to4, Teredo).
 * @param address as Node writes it; a zone (`%eth0`) makes it local.
 */
export function isGlobalUnicast(address: string): boolean {
  if (isIP(address) === 0 || address.includes("%")) return false;
  const ip = ipaddr.parse(address);
  if (ip.range() !== "unicast") return false;
  return ip.kind() === "ipv4" ? address !== AZURE_HOST : lies(ip, GIVEN_OUT);
}

/**
 * Checks all addresses of a host. One bad one among good ones is enough: it could be the one that is connected to.
 * @param allowed ranges that may be fetched from although they are not public.
 * @throws BrokerError url-not-allowed, which does not tell the address
 */
export function vetAddresses(addresses: readonly string[], allowed: readonly AddressRange[]): void {
  const good = (address: string) => isGlobalUnicast(address) || isIn(address, allowed);
  if (addresses.every(good)) return;
  throw new BrokerError("url-not-allowed", "the host of the URL has an address that is not public");
}

function isIn(address: string, ranges: readonly AddressRange[]): boolean {
  if (isIP(address) === 0) return false;
  const ip = ipaddr.parse(address);
  return ranges.some((range) => lies(ip, range));
}

function lies(ip: ReturnType<typeof ipaddr.parse>, range: AddressRange): boolean {
  return ip.kind() === range[0].kind() && ip.match(range);
}
