import type { ErrorCode } from "@sluice/broker";

/** What may be wrong, by what a route does. */
const GROUPS = {
  /** With any request. */
  any: ["invalid-request", "request-timeout", "headers-too-large", "not-acceptable", "internal"],
  /** With the parameters. */
  caller: ["validation-failed"],
  identity: [
    "unauthenticated",
    "invalid-token",
    "ambiguous-credentials",
    "credentials-in-url",
    "insufficient-scope",
    "identity-unavailable",
    "rate-limited",
    "too-many-waiters",
  ],
  body: [
    "invalid-json",
    "json-too-complex",
    "invalid-multipart",
    "invalid-base64",
    "tensor-invalid",
    "unsupported-media-type",
    "unsupported-content-encoding",
    "payload-too-large",
    "model-not-found",
    "overloaded",
    "shutting-down",
  ],
  picture: [
    "unsupported-image-type",
    "image-corrupt",
    "image-too-large",
    "url-not-allowed",
    "too-many-redirects",
    "s3-bucket-not-allowed",
    "input-not-found",
    "input-fetch-failed",
    "input-fetch-timeout",
  ],
  admission: ["deadline-unattainable", "queue-full", "storage-full", "no-workers", "durability-unconfirmed"],
  idempotency: ["idempotency-key-reused", "request-in-progress"],
  storage: ["storage-unavailable"],
  task: ["task-not-found", "result-expired"],
  /** Of a task whose result is the answer. */
  failure: [
    "result-timeout",
    "task-ended",
    "input-rejected",
    "image-processing-timeout",
    "endpoint-unavailable",
    "upstream-invalid",
    "worker-died",
  ],
} as const satisfies Record<string, readonly ErrorCode[]>;

/** One of these groups. */
export type CodeGroup = keyof typeof GROUPS;

/** The codes of some groups. */
export function codesOf(...groups: readonly CodeGroup[]): readonly ErrorCode[] {
  return groups.flatMap((group) => [...GROUPS[group]]);
}
