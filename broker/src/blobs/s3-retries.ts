import { BrokerError } from "../errors.js";
import { mayPass, toS3Failure } from "./s3-failure.js";

/** How often, and with which pauses. */
export interface S3Retries {
  /** Attempts in all. @defaultValue 4 */
  readonly attempts?: number;
  /** The longest first pause; each one after it may be twice as long. Milliseconds. @defaultValue 100 */
  readonly firstPauseMs?: number;
  /** When it is aborted nothing is tried any more, and its reason is thrown. */
  readonly signal: AbortSignal;
  /** @defaultValue Math.random */
  readonly random?: () => number;
}

/**
 * Does something at a storage, again if that may help, after a random pause (exponential back-off with full jitter, so
 * that many callers do not come back at the same moment).
 * @param act is given the signal, and what it throws decides: a BrokerError is final.
 * @throws the last error, or the reason of the signal
 */
export async function withS3Retries<T>(act: (signal: AbortSignal) => Promise<T>, retries: S3Retries): Promise<T> {
  const { attempts = 4, firstPauseMs = 100, signal, random = Math.random } = retries;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await act(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === attempts || error instanceof BrokerError || !mayPass(toS3Failure(error))) throw error;
    }
    await pause(random() * firstPauseMs * 2 ** (attempt - 1), signal);
  }
}

/** Resolves early when the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
