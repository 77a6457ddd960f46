import { invalidField } from "../submission/invalid-field.js";

/** Longest wait for a result, in seconds. */
const MAX_WAIT_S = 60;

/** How long the caller wants to wait for the result. */
export interface WaitPreference {
  readonly waitMs: number;
  /** Value of the header Preference-Applied, if a preference was followed. */
  readonly applied?: string;
}

const NO_WAIT: WaitPreference = { waitMs: 0 };

/**
 * Reads `Prefer: wait=n` (RFC 7240: what cannot be understood is ignored; above 60 s it is 60 s) and `?wait=n`, which
 * stands before it.
 * @throws BrokerError validation-failed if the query parameter is no whole number of 0 to 60
 */
export function parseWaitPreference(prefer: string | undefined, queryWait?: string): WaitPreference {
  if (queryWait !== undefined) {
    const seconds = /^\d{1,2}$/.test(queryWait) ? Number(queryWait) : Infinity;
    if (seconds > MAX_WAIT_S) throw invalidField("validation-failed", "/wait", "must be a whole number of 0 to 60");
    return { waitMs: seconds * 1_000 };
  }
  if (prefer === undefined) return NO_WAIT;
  const match = /(?:^|[,;])\s*wait\s*=\s*"?(\d+)"?\s*(?:$|[,;])/i.exec(prefer);
  if (!match) return NO_WAIT;
  const seconds = Math.min(Number(match[1]), MAX_WAIT_S);
  return { waitMs: seconds * 1_000, applied: `wait=${seconds}` };
}
