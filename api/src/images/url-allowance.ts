import { BrokerError } from "@sluice/broker";
import ipaddr from "ipaddr.js";
import type { AddressRange } from "./vet-address.js";

/** What may be fetched although it is not public, or on another port than 80 and 443. */
export interface UrlAllowance {
  /** Hosts as `HOST:PORT`, whatever their addresses are. */
  readonly places: ReadonlySet<string>;
  readonly ranges: readonly AddressRange[];
}

/** Only what is public. */
export const NOTHING_MORE: UrlAllowance = { places: new Set(), ranges: [] };

/** Ports of URLs that may be fetched without being named. */
export const USUAL_PORTS = [80, 443];

/**
 * Reads a list with commas between: `HOST` (on port 80 and 443), `HOST:PORT`, or a range `ADDRESS/BITS` (on port 80 and
 * 443, and for hosts with a public name). An IPv6 host stands in brackets.
 * @throws BrokerError config-invalid that names the first bad entry
 */
export function parseUrlAllowance(list: string): UrlAllowance {
  const entries = list.split(",").map((entry) => entry.trim());
  const given = entries.filter((entry) => entry !== "");
  const [ranges, hosts] = [given.filter(isRange), given.filter((entry) => !isRange(entry))];
  return { places: new Set(hosts.flatMap(toPlaces)), ranges: ranges.map(toRange) };
}

const isRange = (entry: string) => entry.includes("/");

function toRange(entry: string): AddressRange {
  if (!ipaddr.isValidCIDR(entry)) throw notUnderstood(entry);
  return ipaddr.parseCIDR(entry);
}

/** Hosts are compared as the URL parser writes them. */
function toPlaces(entry: string): string[] {
  const [, host = "", port] = /^(\[[0-9a-f:.]+\]|[^\s:/?#@\\[\]]+)(?::(\d{1,5}))?$/i.exec(entry) ?? [];
  if (!URL.canParse(`http://${host}/`) || Number(port ?? 80) < 1 || Number(port ?? 80) > 65_535) {
    throw notUnderstood(entry);
  }
  const { hostname } = new URL(`http://${host}/`);
  const ports = port === undefined ? USUAL_PORTS : [Number(port)];
  return ports.map((each) => `${hostname.replace(/\.$/, "")}:${each}`);
}

function notUnderstood(entry: string): BrokerError {
  return new BrokerError("config-invalid", `IMAGE_URL_ALLOW: ${entry} is no HOST, HOST:PORT or ADDRESS/BITS`);
}
