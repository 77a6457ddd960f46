import type { Outcome } from "./tally.js";

type Compared = Pick<Outcome, "meanMs" | "goodput">;

/** How one policy compares with another on the same arrivals. */
export interface Verdict {
  /** Mean over the seeds of how much it costs more, as a part, or how much less of all is done in time: negative is better. */
  readonly excess: number;
  /** Twice the standard error of that mean. */
  readonly doubt: number;
  readonly kind: "better" | "equal" | "worse";
}

/**
 * Differences up to this are called equal in any case. The best of 16 windows is chosen by hindsight from means that
 * differ by a few thousandths between seeds, and the same rule with other service noise differs by as much.
 */
export const ALIKE = 0.01;
/** What the seeds leave open excuses no more than this: means that jump from seed to seed are not equal. */
export const AT_MOST_IN_DOUBT = 0.03;

/**
 * Compares means (or what part was not done in time) seed by seed: the arrivals are common to both, so only what the
 * policies differ in remains. Better or worse is what exceeds both a hundredth and the doubt that the seeds leave, or three
 * hundredths in any case.
 */
export function compareOutcomes(own: readonly Compared[], other: readonly Compared[], by: "mean" | "goodput"): Verdict {
  const excesses = own.map((outcome, index) => excessOf(outcome, other[index] ?? outcome, by));
  const excess = excesses.reduce((sum, value) => sum + value, 0) / excesses.length;
  const variance = excesses.reduce((sum, value) => sum + (value - excess) ** 2, 0) / Math.max(1, excesses.length - 1);
  const doubt = 2 * Math.sqrt(variance / excesses.length);
  const margin = Math.max(ALIKE, Math.min(doubt, AT_MOST_IN_DOUBT));
  return { excess, doubt, kind: excess < -margin ? "better" : excess > margin ? "worse" : "equal" };
}

function excessOf(own: Compared, other: Compared, by: "mean" | "goodput"): number {
  return by === "mean" ? own.meanMs / other.meanMs - 1 : other.goodput - own.goodput;
}
