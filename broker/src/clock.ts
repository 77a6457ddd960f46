/**
 * Time as a dependency, so that tests can turn it.
 * `epochMs` may be stored and compared with other machines; `monotonicMs` may only be subtracted.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  epochMs(): number;
  /** Monotonic milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
