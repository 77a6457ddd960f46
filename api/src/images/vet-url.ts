import { BrokerError } from "@sluice/broker";
import { type UrlAllowance, USUAL_PORTS } from "./url-allowance.js";

/** A URL that may be fetched, if the addresses of its host may. */
export interface VettedUrl {
  readonly url: URL;
  /** A name without the dot at its end, or an address without brackets. */
  readonly host: string;
  /** Its host and port are named in the allowance: its addresses need not be public. */
  readonly trusted: boolean;
}

const MAX_CHARS = 2_048;

/** Spaces and control characters, which the parser leaves out, and backslashes, which it takes for slashes. */
// eslint-disable-next-line no-control-regex
const MENDED = /[\u0000-\u0020\u007f-\u00a0\\]/;

/** Names that mean something inside a machine or a network only (RFC 6761, 6762, 8375, 7686; `internal` by ICANN). */
const INSIDE = ["localhost", "localdomain", "local", "internal", "intranet", "home.arpa", "lan", "onion"];

/**
 * Checks a URL as a caller wrote it: `http` or `https`, without user, password or fragment, on port 80 or 443, and not of
 * a name that is only known inside. What the URL parser would mend (tabs, backslashes, missing slashes) is refused.
 * @throws BrokerError url-not-allowed
 */
export function vetUrl(text: string, allowance: UrlAllowance): VettedUrl {
  if (text.length > MAX_CHARS) throw notAllowed(`it may have at most ${MAX_CHARS} characters`);
  if (MENDED.test(text)) throw notAllowed("it has a space, a control character or a backslash");
  const [, authority] = /^https?:\/\/([^/?#]+)/i.exec(text) ?? [];
  if (authority === undefined || !URL.canParse(text))
    throw notAllowed("it must be http://HOST/... or https://HOST/...");
  if (authority.includes("@")) throw notAllowed("it must not have a user or a password");
  if (text.includes("#")) throw notAllowed("it must not have a fragment");
  return vetPlace(new URL(text), allowance);
}

/**
 * Checks where a redirect leads, which may be said relative to where it came from.
 * @throws BrokerError url-not-allowed
 */
export function vetRedirect(location: string, from: VettedUrl, allowance: UrlAllowance): VettedUrl {
  if (!URL.canParse(location, from.url.href)) throw notAllowed("a redirect leads to no URL");
  const url = new URL(location, from.url.href);
  url.hash = "";
  if (from.url.protocol === "https:" && url.protocol === "http:") {
    throw notAllowed("a redirect leads from https to http");
  }
  return vetUrl(url.href, allowance);
}

function vetPlace(url: URL, allowance: UrlAllowance): VettedUrl {
  const hostname = url.hostname.replace(/\.$/, "");
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (allowance.places.has(`${hostname}:${port}`)) return { url, host, trusted: true };
  if (!USUAL_PORTS.includes(port)) throw notAllowed("its port must be 80 or 443");
  if (isInsideName(hostname)) throw notAllowed("its host has no public name");
  return { url, host, trusted: false };
}

/** A name of one label is completed with the domains of whoever looks it up. An IPv6 address has its own form. */
function isInsideName(hostname: string): boolean {
  if (hostname.startsWith("[")) return false;
  return !hostname.includes(".") || INSIDE.some((name) => hostname === name || hostname.endsWith(`.${name}`));
}

function notAllowed(why: string): BrokerError {
  return new BrokerError("url-not-allowed", `the URL cannot be fetched: ${why}`);
}
