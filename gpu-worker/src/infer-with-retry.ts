import { BrokerError, type Clock, type TaskFailure } from "@sluice/broker";
import type { RetryBudget } from "./retry-budget.js";
import { nextTryAfterMs, type RetryLimits } from "./retry-policy.js";
import { troubleOf } from "./triton/infer-error.js";

/** What a call came to after its retries. */
export type CallResult<Response> =
  | { readonly kind: "answered"; readonly response: Response }
  /** The data is at fault, if `certain`; else it or the endpoint. */
  | { readonly kind: "refused"; readonly failure: TaskFailure; readonly certain: boolean }
  | { readonly kind: "unavailable"; readonly error: BrokerError };

/** What retries need of the outside. */
export interface RetryDeps {
  readonly clock: Clock;
  readonly budget: RetryBudget;
  /** In 0..1. */
  readonly random: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** Whether the endpoint was given up: then nothing is tried again. */
  readonly isOver: () => boolean;
  readonly onRetry: (error: BrokerError) => void;
}

/**
 * Calls an endpoint, and again with exponential back-off while the endpoint is the trouble: at most
 * `limits.maxAttempts` times, never beyond `limits.deadlineMs`, and only as long as the endpoint's budget allows.
 * @param call gets how many milliseconds it may take; it rejects with the errors of `troubleOf`.
 */
export async function inferWithRetry<Response>(
  call: (remainingMs: number) => Promise<Response>,
  limits: RetryLimits,
  deps: RetryDeps,
): Promise<CallResult<Response>> {
  deps.budget.earn();
  for (let failures = 1; ; failures++) {
    const remainingMs = limits.deadlineMs - deps.clock.monotonicMs();
    if (remainingMs <= 0) {
      return { kind: "unavailable", error: new BrokerError("endpoint-unavailable", "the lease of the batch is over") };
    }
    try {
      return { kind: "answered", response: await call(remainingMs) };
    } catch (cause) {
      const error = BrokerError.from(cause, "internal", "an inference call could not be made");
      const trouble = troubleOf(error);
      if (trouble !== "endpoint") {
        return {
          kind: "refused",
          failure: { code: error.code, message: error.message },
          certain: trouble === "data",
        };
      }
      const now = { monotonicMs: deps.clock.monotonicMs(), random: deps.random() };
      const afterMs = nextTryAfterMs(failures, limits, now);
      if (afterMs === undefined || deps.isOver() || !deps.budget.take()) return { kind: "unavailable", error };
      deps.onRetry(error);
      await deps.pause(afterMs);
    }
  }
}
