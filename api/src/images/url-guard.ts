import type { UrlAllowance } from "./url-allowance.js";
import { vetAddresses } from "./vet-address.js";
import { vetRedirect, vetUrl, type VettedUrl } from "./vet-url.js";

/** Decides what may be fetched. Every method throws BrokerError url-not-allowed. */
export interface UrlGuard {
  url(text: string): VettedUrl;
  redirect(location: string, from: VettedUrl): VettedUrl;
  /** All addresses that the host of a URL has. */
  addresses(target: VettedUrl, addresses: readonly string[]): void;
}

/** A guard that lets through what is public, and what is allowed beside it. */
export function createUrlGuard(allowance: UrlAllowance): UrlGuard {
  return {
    url: (text) => vetUrl(text, allowance),
    redirect: (location, from) => vetRedirect(location, from, allowance),
    addresses(target, addresses) {
      if (!target.trusted) vetAddresses(addresses, allowance.ranges);
    },
  };
}
