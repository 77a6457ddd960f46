import type { Random } from "./random.js";

/** Arrivals without memory: independent callers who do not know of each other. */
export interface PoissonLoad {
  readonly ratePerS: number;
  readonly durationMs: number;
}

/** When each task arrives, in milliseconds since the start, in order: the gaps are exponential with mean 1 / rate. */
export function poissonSchedule({ ratePerS, durationMs }: PoissonLoad, random: Random): number[] {
  if (!(ratePerS > 0)) throw new RangeError(`a rate is above 0, not ${ratePerS}/s`);
  const meanGapMs = 1000 / ratePerS;
  const arrivals: number[] = [];
  // 1 - random() is in (0, 1]: its logarithm is finite.
  for (let atMs = gap(); atMs < durationMs; atMs += gap()) arrivals.push(atMs);
  return arrivals;

  function gap(): number {
    return -Math.log(1 - random()) * meanGapMs;
  }
}
