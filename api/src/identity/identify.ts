import { BrokerError, type Scope } from "@sluice/broker";
import type { Exchange } from "../http/exchange.js";
import { findCredentials } from "./credentials.js";
import type { RateLimiter } from "./rate-limiter.js";

/** Who makes a request, and what they may do. */
export interface Caller {
  /** A task belongs to its owner, and nobody else can see it. Letters, digits and `_.@-` only. */
  readonly owner: string;
  readonly scopes: readonly Scope[];
  /** Instead of the setting for all; 0: no limit. */
  readonly requestsPerMinute?: number | undefined;
}

/**
 * Finds out whose request this is, before anything else is made of it.
 * @param scope what the caller must be allowed.
 * @returns the owner
 * @throws BrokerError unauthenticated | invalid-token | ambiguous-credentials | credentials-in-url | insufficient-scope |
 * rate-limited | identity-unavailable | storage-unavailable
 */
export type Identify = (exchange: Exchange, scope: Scope) => Promise<string> | string;

/** Identity is off: every request comes from the same caller, who may do everything. */
export const identifyNobody: Identify = () => "anonymous";

/** Says who has a key or a token; undefined: it opens nothing. */
export type CheckCredential = (text: string) => Promise<Caller | undefined>;

/** How callers are known. What is absent opens nothing. */
export interface IdentityChecks {
  readonly checkKey?: CheckCredential | undefined;
  readonly checkToken?: CheckCredential | undefined;
}

/** Asks every request for a key or a token. */
export function createIdentify({ checkKey, checkToken }: IdentityChecks, limiter: RateLimiter): Identify {
  return async ({ incoming, outgoing }, scope) => {
    const credential = findCredentials(incoming.headers, incoming.url ?? "");
    const check = credential.kind === "key" ? checkKey : checkToken;
    const caller = await check?.(credential.text);
    if (!caller) throw new BrokerError("invalid-token", "this key or token opens nothing here");
    const headers = await limiter.take(caller);
    for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
    if (!caller.scopes.includes(scope)) throw new BrokerError("insufficient-scope", `it needs the scope ${scope}`);
    return caller.owner;
  };
}
