import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";

/** What a caller may do: hand in tasks, read their own results, run the deployment. */
export const SCOPES = ["submit", "read", "admin"] as const;
/** One of them. */
export type Scope = (typeof SCOPES)[number];

/** Owners as keys name them; they become parts of Redis keys. */
const OWNER = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;

/** What is known of an API key. The key itself is shown once and stored nowhere. */
export interface ApiKey {
  /** Its public part: 8 hexadecimal digits. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Whose the tasks are that come with it. Keys of one owner see the same tasks. */
  readonly owner: string;
  readonly scopes: readonly Scope[];
  /** Instead of the setting `limits.requests_per_minute`; 0: no limit. */
  readonly requestsPerMinute?: number | undefined;
  /** Since 1970. */
  readonly createdMs: number;
}

const stored = z.object({
  hash: z.string(),
  name: z.string(),
  owner: z.string().regex(OWNER),
  scopes: z.array(z.enum(SCOPES)),
  requestsPerMinute: z.number().int().min(0).optional(),
  createdMs: z.number(),
});

const KEY = /^sk_([0-9a-f]{8})_[A-Za-z0-9_-]{43}$/;

/** Whether an owner may be named so. */
export function isOwnerName(text: string): boolean {
  return OWNER.test(text);
}

/** A text that is a key by its form -> its id. */
export function apiKeyId(text: string): string | undefined {
  return KEY.exec(text)?.[1];
}

/** Makes a key: `sk_`, its id, and 256 random bits in base64url. @param random so many random bytes */
export function createKeyText(random: (bytes: number) => Buffer = randomBytes): string {
  return `sk_${random(4).toString("hex")}_${random(32).toString("base64url")}`;
}

/** What is stored of a key: what is known of it, and the SHA-256 of its text. 256 bits need no slow hash. */
export function encodeApiKey(key: ApiKey, text: string): string {
  const { name, owner, scopes, requestsPerMinute, createdMs } = key;
  return JSON.stringify({ hash: sha256(text).toString("hex"), name, owner, scopes, requestsPerMinute, createdMs });
}

/** Reads what is stored. @returns undefined for what `encodeApiKey` did not write */
export function decodeApiKey(id: string, text: string): ApiKey | undefined {
  return parse(id, text)?.key;
}

/**
 * Checks a key against what is stored under its id, in a time that does not tell how much of it was right.
 * @param stored undefined if there is none: it takes as long.
 */
export function verifyApiKey(text: string, id: string, storedText: string | undefined): ApiKey | undefined {
  const known = storedText === undefined ? undefined : parse(id, storedText);
  const wanted = Buffer.from(known?.hash ?? "", "hex");
  const isEqual = timingSafeEqual(sha256(text), wanted.length === 32 ? wanted : NO_HASH);
  return isEqual ? known?.key : undefined;
}

const NO_HASH = Buffer.alloc(32);

function parse(id: string, text: string): { readonly hash: string; readonly key: ApiKey } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const result = stored.safeParse(value);
  if (!result.success) return undefined;
  const { hash, ...known } = result.data;
  return { hash, key: { id, ...known } };
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
