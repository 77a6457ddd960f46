/** Back-off never grows beyond it: a slot that sleeps longer than this wastes its lease. */
const MAX_BACKOFF_MS = 2_000;
const TROUBLE_BASE_MS = 100;

/** How often an inference call may be tried, and how far apart. */
export interface RetryLimits {
  readonly maxAttempts: number;
  /** Upper end of the first pause; it doubles with each further one. */
  readonly baseMs: number;
  /** Monotonic time after which no call may run: the lease of the batch is about to end. */
  readonly deadlineMs: number;
}

/**
 * How long to wait after failure number `failures` (from 1): exponential with full jitter, `random * base * 2^(n-1)`.
 * Full jitter spreads the retries of many workers over the whole pause instead of letting them come back together.
 * @param random in 0..1.
 */
export function backoffMs(failures: number, baseMs: number, random: number): number {
  return random * Math.min(MAX_BACKOFF_MS, baseMs * 2 ** (failures - 1));
}

/**
 * Whether a call that has failed `failures` times is tried again, and after how many milliseconds.
 * @returns undefined if the tries are used up, or the pause would reach the deadline.
 */
export function nextTryAfterMs(
  failures: number,
  limits: RetryLimits,
  now: { readonly monotonicMs: number; readonly random: number },
): number | undefined {
  if (failures >= limits.maxAttempts) return undefined;
  const pauseMs = backoffMs(failures, limits.baseMs, now.random);
  return now.monotonicMs + pauseMs < limits.deadlineMs ? pauseMs : undefined;
}

/**
 * How long to stay away from something that has failed `troubles` times in a row (from 1): never at once, and at most
 * about two seconds.
 */
export function troubleMs(troubles: number, random: number): number {
  return TROUBLE_BASE_MS / 2 + backoffMs(troubles, TROUBLE_BASE_MS, random);
}
