import { createHash, hash } from "node:crypto";
import { SHARD_COUNT } from "./keys.js";

/** Everything that decides whether two tasks ask for the same computation. */
export interface DigestParts {
  readonly model: string;
  readonly version: string;
  readonly zone: string;
  /** The row's shape and type, and parameters that change the model's answer. */
  readonly signature: string;
  /** "" when results are shared by all callers, else the owner. */
  readonly scope: string;
  /** "" normally; anything unique for a task that must not share. */
  readonly salt: string;
  /** Bytes, or text that stands for its UTF-8. */
  readonly input: Uint8Array | string;
}

/** Which run, and which shard, a task belongs to. */
export interface Digest {
  /** SHA-256, base64url, 43 characters. */
  readonly text: string;
  readonly shard: number;
}

/** SHA-256 over all parts, each preceded by its length, so that no two lists of parts collide. Twins meet in one shard. */
export function digestOf(parts: DigestParts): Digest {
  const { model, version, zone, signature, scope, salt, input } = parts;
  const head = [model, version, zone, signature, scope, salt].map(withLength).join("");
  // In one call where the input is text, which is the usual case: a hash object costs as much as hashing 2 KB.
  const bytes =
    typeof input === "string"
      ? hash("sha256", head + input, "buffer")
      : createHash("sha256").update(head).update(input).digest();
  return { text: bytes.toString("base64url"), shard: bytes.readUInt32BE(0) % SHARD_COUNT };
}

function withLength(part: string): string {
  return `${Buffer.byteLength(part)}:${part}`;
}
