import { type BrokerError, ERROR_CODES, type ErrorCode } from "@sluice/broker";
import { ERROR_STATUS } from "./error-status.js";

/** A field that is wrong. */
export interface FieldError {
  /** JSON pointer (RFC 6901) into the body; for a query parameter or a form field `/NAME`. */
  readonly pointer: string;
  readonly detail: string;
}

/** What a refused request is answered with: RFC 9457, `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly request_id: string;
  readonly errors?: readonly FieldError[];
}

/** A problem with the headers that belong to it. */
export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Record<string, string>;
}

/** Codes whose messages speak of our inside: callers get the general meaning only. */
const PRIVATE: readonly ErrorCode[] = ["internal", "storage-unavailable", "config-invalid", "durability-unconfirmed"];

/** Seconds after which a repeat has a chance; spread, so that refused callers do not come back together. */
const RETRY_AFTER_S: Partial<Record<ErrorCode, readonly [min: number, max: number]>> = {
  "request-in-progress": [1, 1],
  overloaded: [1, 3],
  "deadline-unattainable": [1, 3],
  "queue-full": [1, 3],
  "storage-full": [5, 15],
  "no-workers": [2, 5],
  "storage-unavailable": [1, 3],
  "durability-unconfirmed": [1, 3],
  "shutting-down": [1, 2],
  "input-fetch-timeout": [2, 5],
  "identity-unavailable": [2, 5],
  "rate-limited": [1, 2],
  "too-many-waiters": [1, 3],
};

/** What a caller is asked for (RFC 6750, section 3). */
const CHALLENGES: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'Bearer realm="sluice"',
  "invalid-token": 'Bearer realm="sluice", error="invalid_token"',
  "insufficient-scope": 'Bearer realm="sluice", error="insufficient_scope"',
};

/** A computed wait is known to a third or so. */
function spread(retryAfterMs: number): readonly [min: number, max: number] {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return [seconds, Math.ceil(1.3 * seconds)];
}

/**
 * Describes a refusal to its caller.
 * @param instance path of the request.
 * @param random 0..1, decides Retry-After within its range.
 */
export function toProblem(
  error: BrokerError,
  request: { readonly instance: string; readonly requestId: string },
  random: () => number = Math.random,
): ProblemAnswer {
  const { code, details } = error;
  const { meaning, retryable } = ERROR_CODES[code];
  const problem: Problem = {
    type: `/problems/${code}`,
    title: meaning,
    status: ERROR_STATUS[code],
    detail: PRIVATE.includes(code) ? meaning : error.message,
    instance: request.instance,
    code,
    retryable,
    request_id: request.requestId,
    ...(Array.isArray(details["errors"]) ? { errors: details["errors"] as FieldError[] } : {}),
  };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  const range = typeof details["retryAfterMs"] === "number" ? spread(details["retryAfterMs"]) : RETRY_AFTER_S[code];
  if (range) headers["retry-after"] = String(range[0] + Math.floor(random() * (range[1] - range[0] + 1)));
  Object.assign(headers, details["headers"]);
  if (typeof details["allow"] === "string") headers["allow"] = details["allow"];
  const challenge = CHALLENGES[code];
  if (challenge !== undefined) headers["www-authenticate"] = challenge;
  if (code === "shutting-down") headers["connection"] = "close";
  return { problem, headers };
}
