/** Limits how much load retries add to an endpoint that is in trouble. */
export interface RetryBudget {
  /** A first try is made: it earns its share of a retry. */
  earn(): void;
  /** Takes one retry; false if there is none left. */
  take(): boolean;
}

/**
 * A token bucket: each first try earns `ratio` of a retry, up to `reserve`. It starts full, so that a quiet worker can
 * ride out a short trouble, while under load retries stay below `ratio` of the calls.
 */
export function createRetryBudget(ratio = 0.1, reserve = 10): RetryBudget {
  let tokens = reserve;
  return {
    earn() {
      tokens = Math.min(reserve, tokens + ratio);
    },
    take() {
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
