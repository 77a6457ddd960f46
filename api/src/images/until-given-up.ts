import { BrokerError } from "@sluice/broker";
import type { BodyShare } from "../http/body-intake.js";

/** When a fetch is given up. */
export interface FetchLimits {
  /** Says when this process stops, and nobody waits for the rest. */
  readonly share: BodyShare;
  readonly timeoutMs: number;
  /** Of the caller, who may go away. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does something that fetches an input, until it has it or has to give up.
 * @param fetch must end soon after its signal is aborted.
 * @throws BrokerError input-fetch-timeout | shutting-down | invalid-request (the caller went away), or what `fetch` throws
 */
export async function untilGivenUp<T>(
  { share, timeoutMs, signal }: FetchLimits,
  fetch: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const control = new AbortController();
  const giveUp = (error: BrokerError) => control.abort(error);
  const onGone = () => giveUp(new BrokerError("invalid-request", "the caller does not wait for the image"));
  const onLate = () => giveUp(new BrokerError("input-fetch-timeout", `the image did not come in ${timeoutMs} ms`));
  const timer = setTimeout(onLate, timeoutMs);
  signal?.addEventListener("abort", onGone, { once: true });
  if (signal?.aborted === true) onGone();
  share.onStop(giveUp);
  try {
    return await fetch(control.signal);
  } catch (error) {
    throw control.signal.aborted ? control.signal.reason : error;
  } finally {
    share.onStop(undefined);
    signal?.removeEventListener("abort", onGone);
    clearTimeout(timer);
  }
}
