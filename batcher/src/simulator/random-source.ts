import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Random numbers that a seed decides. */
export interface RandomSource {
  /** 0 <= value < 1 */
  uniform(): number;
  /** Of an exponential distribution: gaps of a Poisson process. */
  exponential(mean: number): number;
  /** A factor with mean 1 and this coefficient of variation, log-normal: service times are skewed to the right. */
  noise(variation: number): number;
}

/** The first numbers of small seeds are nearly 1, whatever the seed: the state has few bits set. */
const NOT_YET_RANDOM = 32;

/** Equal seeds give equal numbers. */
export function createRandomSource(seed: number): RandomSource {
  const generator = xoroshiro128plus(seed);
  const uniform = (): number => uniformFloat64(generator);
  for (let nth = 0; nth < NOT_YET_RANDOM; nth++) uniform();
  return {
    uniform,
    exponential: (mean) => -mean * Math.log(1 - uniform()),
    noise(variation) {
      if (variation === 0) return 1;
      const variance = Math.log(1 + variation * variation);
      // Box and Muller's transform gives a normal deviate from two uniform ones.
      const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      return Math.exp(Math.sqrt(variance) * normal - variance / 2);
    },
  };
}
