import { BrokerError, type Clock, type Scope, SCOPES } from "@sluice/broker";
import { createRemoteJWKSet, errors, importSPKI, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createAnswerCache } from "./answer-cache.js";
import type { Caller, CheckCredential } from "./identify.js";
import type { TokenOptions } from "./identity-config.js";

/** A key set is fetched at most so often for keys that it did not have. */
const FETCH_EVERY_MS = 30_000;
const FETCH_TIMEOUT_MS = 3_000;
/** After a fetch that failed nobody asks again for so long. */
const FETCH_AGAIN_MS = 5_000;
const KEYS_FOR_MS = 600_000;
/** Clocks of two machines differ by less. */
const CLOCK_TOLERANCE_S = 5;
/** A token is checked again after so long: its key may have been withdrawn. */
const KNOWN_FOR_MS = 10_000;
const MAX_KNOWN = 10_000;
/** `typ` of tokens that give access (RFC 9068), or say only that they are tokens. */
const TYPES = new Set([undefined, "JWT", "jwt", "at+jwt", "application/at+jwt"]);

/**
 * Checks JSON Web Tokens (RFC 7519) with jose: signature by one of the allowed algorithms with a key of the configured
 * place, issuer, audience, time. Whatever the token's own header says of keys is never looked at.
 * @throws BrokerError config-invalid if a key file cannot be read
 */
export async function createTokenCheck(options: TokenOptions, clock: Clock): Promise<CheckCredential> {
  const findKey = await openKeys(options, clock);
  const { issuer, audience, algorithms } = options;
  const answers = createAnswerCache<Verified | undefined>(clock, { ttlMs: KNOWN_FOR_MS, maxEntries: MAX_KNOWN });
  const verify = async (token: string): Promise<Verified | undefined> => {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, findKey, {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ["exp", "sub"],
        currentDate: new Date(clock.epochMs()),
      });
      const isBogus = !TYPES.has(protectedHeader.typ) || isFromTheFuture(payload, clock.epochMs());
      return isBogus ? undefined : toVerified(payload, issuer);
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      // A key that does not fit its algorithm, and the like.
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  };
  return async (token) => {
    const known = await answers(createHash("sha256").update(token).digest("base64"), () => verify(token));
    if (!known || clock.epochMs() >= known.untilMs) return undefined;
    return known.caller;
  };
}

interface Verified {
  readonly caller: Caller;
  readonly untilMs: number;
}

/** A token that says it is made later than now was made by a clock, or a person, not to be trusted. */
function isFromTheFuture({ iat }: JWTPayload, nowMs: number): boolean {
  return iat !== undefined && iat * 1_000 > nowMs + CLOCK_TOLERANCE_S * 1_000;
}

/** @returns undefined for a subject that is none */
function toVerified(payload: JWTPayload, issuer: string): Verified | undefined {
  const { sub, exp = 0 } = payload;
  if (typeof sub !== "string" || !/^[\x20-\x7e]{1,256}$/.test(sub) || sub.trim() !== sub) return undefined;
  const untilMs = (exp + CLOCK_TOLERANCE_S) * 1_000;
  return { caller: { owner: toOwner(issuer, sub), scopes: toScopes(payload) }, untilMs };
}

/** A subject may be anything, and owners become parts of keys: its hash is the owner. */
function toOwner(issuer: string, sub: string): string {
  return `j_${createHash("sha256").update(`${issuer}\n${sub}`).digest("base64url").slice(0, 27)}`;
}

/** `scope` with spaces between (RFC 8693), or the list `scp`. What we do not know says nothing. */
function toScopes({ scope, scp }: JWTPayload): readonly Scope[] {
  const words = typeof scope === "string" ? scope.split(" ") : Array.isArray(scp) ? scp : [];
  return SCOPES.filter((known) => words.includes(known));
}

async function openKeys({ keys, algorithms }: TokenOptions, clock: Clock): Promise<JWTVerifyGetKey> {
  if (keys.kind === "url") return openKeySet(keys.url, clock);
  const pem = await readFile(keys.file, "utf8").catch((cause: unknown) => {
    throw new BrokerError("config-invalid", "JWT_KEYS: the file cannot be read", { cause });
  });
  // A key is of one kind, and fits some of the algorithms.
  const imports = algorithms.map(async (alg) => [alg, await importSPKI(pem, alg)] as const);
  const fitting = await Promise.allSettled(imports);
  const byAlgorithm = new Map(fitting.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])));
  if (byAlgorithm.size === 0) {
    throw new BrokerError("config-invalid", "JWT_KEYS: the file has no public key in PEM for any of JWT_ALGORITHMS");
  }
  return ({ alg }) => {
    const key = byAlgorithm.get(alg as (typeof algorithms)[number]);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key;
  };
}

function openKeySet(url: URL, clock: Clock): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(url, {
    cooldownDuration: FETCH_EVERY_MS,
    timeoutDuration: FETCH_TIMEOUT_MS,
    cacheMaxAge: KEYS_FOR_MS,
  });
  let failedMs = -Infinity;
  return async (header, token) => {
    if (clock.monotonicMs() - failedMs < FETCH_AGAIN_MS) throw unavailable();
    try {
      return await remote(header, token);
    } catch (error) {
      // Several keys may fit where a token names none: jose would let us try them all. We ask for a name.
      const isAboutToken =
        error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
      if (isAboutToken || error instanceof errors.JOSENotSupported) throw error;
      failedMs = clock.monotonicMs();
      throw unavailable(error);
    }
  };
}

function unavailable(cause?: unknown): BrokerError {
  return new BrokerError("identity-unavailable", "the keys of tokens cannot be fetched", { cause });
}
