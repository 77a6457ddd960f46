import { apiKeyId, BrokerError } from "@sluice/broker";
import type { IncomingHttpHeaders } from "node:http";

/** What a request brings to say who makes it. */
export interface Credential {
  /** An API key by its form, or anything else, which must be a JSON Web Token. */
  readonly kind: "key" | "token";
  readonly text: string;
}

/** Longest token: headers have 16 KiB in all. */
const MAX_CHARS = 8_192;
/** Parameters in which other services take keys. */
const IN_URL = new Set(["access_token", "api_key", "api-key", "apikey", "auth", "authorization", "key", "token"]);

/**
 * Finds the key or token of a request: `Authorization: Bearer ...` or `X-API-Key: ...`. Pure.
 * @param url as it was sent.
 * @throws BrokerError credentials-in-url | ambiguous-credentials | unauthenticated | invalid-token (of another scheme)
 */
export function findCredentials(headers: IncomingHttpHeaders, url: string): Credential {
  if (hasCredentialsIn(url)) throw new BrokerError("credentials-in-url", "send the key or token in a header");
  const { authorization, "x-api-key": key } = headers;
  if (authorization !== undefined && key !== undefined) {
    throw new BrokerError("ambiguous-credentials", "send Authorization or X-API-Key, not both");
  }
  if (key !== undefined) return { kind: "key", text: checked(String(key)) };
  if (authorization === undefined) throw new BrokerError("unauthenticated", "send Authorization: Bearer KEY-OR-TOKEN");
  const [, text] = /^bearer +([^\s,]+) *$/i.exec(authorization) ?? [];
  if (text === undefined) throw new BrokerError("invalid-token", "Authorization is not Bearer and one key or token");
  return { kind: apiKeyId(text) === undefined ? "token" : "key", text: checked(text) };
}

function checked(text: string): string {
  if (text.length <= MAX_CHARS) return text;
  throw new BrokerError("invalid-token", "this key or token opens nothing here");
}

function hasCredentialsIn(url: string): boolean {
  const query = url.indexOf("?");
  if (query === -1) return false;
  for (const name of new URLSearchParams(url.slice(query + 1)).keys()) {
    if (IN_URL.has(name.toLowerCase())) return true;
  }
  return false;
}
