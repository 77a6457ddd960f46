/** Throughput of two neighbouring windows, one at each depth, rows per second. */
export interface RatePair {
  readonly from: number;
  readonly to: number;
}

/** Keep the new depth, go back to the old one, or measure another pair. */
export type TrialVerdict = "keep" | "back" | "more";

/** What a step up must bring at least, and what a step down may cost at most, as logarithms: 3 %. */
const WORTH = 0.03;
/** How many standard errors tell a difference from noise. Many looks at growing evidence: more than the usual two. */
const SURE = 2.5;
const LEAST_PAIRS = 4;
const MOST_PAIRS = 16;
/** Few pairs may agree by chance: no standard deviation of pairs is believed to be less. */
const LEAST_DEVIATION = 0.02;

/**
 * Judges a trial of another depth by the windows measured so far. A deeper one is kept only where its throughput is higher
 * by more than noise; a shallower one also where no loss can be seen, for it has less latency.
 * @param pairs neighbours in time, so that what drifts slowly acts on both alike.
 */
export function judgeTrial(pairs: readonly RatePair[], direction: "up" | "down"): TrialVerdict {
  const count = pairs.length;
  if (count < LEAST_PAIRS) return "more";
  const gains = pairs.map(({ from, to }) => Math.log(to / from));
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / count;
  const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (count - 1);
  const margin = (SURE * Math.max(Math.sqrt(variance), LEAST_DEVIATION)) / Math.sqrt(count);
  const wanted = direction === "up" ? WORTH : -WORTH;
  if (mean - margin > wanted) return "keep";
  if (mean + margin < wanted) return "back";
  if (count < MOST_PAIRS) return "more";
  return direction === "down" && mean > wanted ? "keep" : "back";
}
