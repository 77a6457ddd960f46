import {
  BrokerError,
  type Clock,
  type LiveSettings,
  type RedisClient,
  type TakenTokens,
  takeTokens,
} from "@sluice/broker";
import type { Caller } from "./identify.js";

/** Counts the requests of callers. */
export interface RateLimiter {
  /**
   * Takes a token of the caller's.
   * @returns headers of the answer: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers); none
   * where there is no limit.
   * @throws BrokerError rate-limited, with `retryAfterMs` and these headers in its details | storage-unavailable
   */
  take(caller: Caller): Promise<Readonly<Record<string, string>>>;
}

/** An owner's tokens as this process has them. */
interface Purse {
  /** Taken out of the bucket in Redis, not yet used. */
  tokens: number;
  /** What the bucket had left, and when that was. */
  left: number;
  /** Until then the bucket is empty. */
  emptyUntilMs: number;
  /** Somebody is fetching more. */
  fetching: Promise<void> | undefined;
}

/** A caller's rate times this is fetched at once, so that of many requests few ask Redis. */
const FETCH_FOR_MS = 250;
const MAX_FETCHED = 64;
const MAX_PURSES = 10_000;

/**
 * A token bucket for each owner, in Redis, for all apis together. Each api takes tokens out of it for a quarter of a
 * second at a time (at most 64), so the limit may be exceeded by so many for each api when its owner's bucket is empty.
 */
export function createRateLimiter(deps: {
  readonly redis: RedisClient;
  readonly settings: Pick<LiveSettings, "current">;
  readonly clock: Clock;
  /** How tokens are fetched; for tests. */
  readonly fetchTokens?: typeof takeTokens;
}): RateLimiter {
  const { redis, settings, clock, fetchTokens = takeTokens } = deps;
  const purses = new Map<string, Purse>();
  const fetchInto = async (purse: Purse, owner: string, perMinute: number): Promise<void> => {
    const wanted = Math.min(MAX_FETCHED, Math.max(1, Math.floor((perMinute * FETCH_FOR_MS) / 60_000)));
    const taken: TakenTokens = await fetchTokens(redis, owner, { perMinute, wanted });
    purse.tokens += taken.granted;
    purse.left = taken.left;
    if (taken.granted === 0) purse.emptyUntilMs = clock.monotonicMs() + taken.waitMs;
  };
  return {
    async take({ owner, requestsPerMinute }) {
      const perMinute = requestsPerMinute ?? settings.current().forAll.limitsRequestsPerMinute;
      if (perMinute === 0) return {};
      const purse = purseOf(purses, owner);
      while (purse.tokens === 0) {
        const waitMs = purse.emptyUntilMs - clock.monotonicMs();
        if (waitMs > 0) throw limited(perMinute, waitMs);
        purse.fetching ??= fetchInto(purse, owner, perMinute).finally(() => (purse.fetching = undefined));
        await purse.fetching;
      }
      purse.tokens--;
      return toHeaders(perMinute, purse.left + purse.tokens, 60_000 / perMinute);
    },
  };
}

/** The owner's purse, which is now the youngest. */
function purseOf(purses: Map<string, Purse>, owner: string): Purse {
  const purse = purses.get(owner) ?? { tokens: 0, left: 0, emptyUntilMs: -Infinity, fetching: undefined };
  purses.delete(owner);
  purses.set(owner, purse);
  if (purses.size > MAX_PURSES) purses.delete(purses.keys().next().value ?? "");
  return purse;
}

function limited(perMinute: number, waitMs: number): BrokerError {
  const headers = toHeaders(perMinute, 0, waitMs);
  const message = `at most ${perMinute} requests a minute`;
  return new BrokerError("rate-limited", message, { details: { retryAfterMs: waitMs, headers } });
}

/** @param nextMs until there is one more. */
function toHeaders(perMinute: number, left: number, nextMs: number): Readonly<Record<string, string>> {
  const resetS = Math.max(1, Math.ceil(nextMs / 1_000));
  return { "ratelimit-policy": `"requests";q=${perMinute};w=60`, ratelimit: `"requests";r=${left};t=${resetS}` };
}
