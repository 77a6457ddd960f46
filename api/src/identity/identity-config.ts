import { isIP } from "node:net";
import { z } from "zod";

/** Algorithms with a public and a private half: with a shared secret whoever checks tokens could make them. */
export const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

/** Whose tokens are taken. */
export interface TokenOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly (typeof ALGORITHMS)[number][];
  readonly keys: { readonly kind: "url"; readonly url: URL } | { readonly kind: "file"; readonly file: string };
}

/** How callers say who they are. Off if there is neither. */
export interface IdentityConfig {
  /** API keys are taken. */
  readonly keys: boolean;
  readonly tokens: TokenOptions | undefined;
}

/** The variables, as the environment has them. */
export const identityVariables = {
  IDENTITY: z
    .string()
    .regex(/^(?:off|keys|jwt|keys,jwt|)$/, "must be off, keys, jwt or keys,jwt")
    .default(""),
  JWT_ISSUER: z.string().default(""),
  JWT_AUDIENCE: z.string().default(""),
  JWT_ALGORITHMS: z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(z.enum(ALGORITHMS)).min(1))
    .default(["RS256", "ES256", "EdDSA"]),
  JWT_KEYS: z.string().default(""),
};

/** What is wrong with identity as a whole, or how it is. */
export type ReadIdentity = { readonly identity: IdentityConfig } | { readonly problem: string };

/**
 * Reads the variables together. Without identity only this machine may reach the api, unless whoever starts it says
 * that this is meant. Pure.
 */
export function readIdentity(
  variables: z.output<z.ZodObject<typeof identityVariables>>,
  { host, insecure }: { readonly host: string; readonly insecure: boolean },
): ReadIdentity {
  const { IDENTITY, JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_ALGORITHMS: algorithms, JWT_KEYS } = variables;
  const kinds = IDENTITY.split(",");
  const keys = kinds.includes("keys");
  if (!keys && !kinds.includes("jwt")) {
    if (insecure || isLoopback(host)) return { identity: { keys: false, tokens: undefined } };
    return {
      problem: `HOST: ${host} can be reached by others: set IDENTITY (keys, jwt or keys,jwt), or start with --insecure`,
    };
  }
  if (!kinds.includes("jwt")) return { identity: { keys, tokens: undefined } };
  if (issuer === "" || audience === "" || JWT_KEYS === "") {
    return { problem: "IDENTITY: jwt needs JWT_ISSUER, JWT_AUDIENCE and JWT_KEYS" };
  }
  const place = toKeyPlace(JWT_KEYS);
  if (!place) return { problem: "JWT_KEYS: must be an https URL, an http one of this machine, or a file" };
  return { identity: { keys, tokens: { issuer, audience, algorithms, keys: place } } };
}

/** Keys that come over a network in the clear could be anybody's. */
function toKeyPlace(text: string): TokenOptions["keys"] | undefined {
  if (!/^[a-z]+:\/\//i.test(text)) return { kind: "file", file: text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
  return url && isSafe ? { kind: "url", url } : undefined;
}

/** Whether only this machine reaches an address. */
function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}
