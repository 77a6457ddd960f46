import { createHash } from "node:crypto";
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
  readonly input: Uint8Array;
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
  const hash = createHash("sha256");
  hash.update(
    [model, version, zone, signature, scope, salt].map((part) => `${Buffer.byteLength(part)}:${part}`).join(""),
  );
  const bytes = hash.update(input).digest();
  return { text: bytes.toString("base64url"), shard: bytes.readUInt32BE(0) % SHARD_COUNT };
}
