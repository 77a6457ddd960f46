import type { RandomSource } from "./random-source.js";
import type { Arrivals } from "./arrivals.js";
import type { SimulatedTask } from "./simulate.js";

/** What the tasks of a workload are like beyond their arrival times. */
export interface TaskTraits {
  /** From arrival to deadline, milliseconds; one of them is drawn for each task. @defaultValue no deadlines */
  readonly deadlinesMs?: readonly number[];
  /** This part (0..1) of them is bulk work. @defaultValue 0 */
  readonly bulkShare?: number;
  /** So many different inputs, of which some are far more frequent: Zipf's law. @defaultValue all are different */
  readonly inputs?: { readonly count: number; readonly exponent: number };
  /** This part of them is canceled, some time within `cancelWithinMs` of the arrival. @defaultValue 0 */
  readonly cancelShare?: number;
  readonly cancelWithinMs?: number;
}

/** Makes a task of each arrival. */
export function* makeTasks(
  arrivals: Arrivals,
  traits: TaskTraits,
  random: RandomSource,
): Generator<SimulatedTask, undefined> {
  const { deadlinesMs = [], bulkShare = 0, inputs, cancelShare = 0, cancelWithinMs = 50 } = traits;
  const drawInput = inputs && zipf(inputs.count, inputs.exponent, random);
  for (let next = arrivals.next(); !next.done; next = arrivals.next()) {
    const arrivedMs = next.value;
    const inTimeMs = deadlinesMs[Math.floor(random.uniform() * deadlinesMs.length)] ?? Infinity;
    yield {
      arrivedMs,
      deadlineMs: arrivedMs + inTimeMs,
      batchClass: random.uniform() < bulkShare ? "bulk" : "now",
      digest: drawInput?.(),
      cancelMs: random.uniform() < cancelShare ? arrivedMs + random.uniform() * cancelWithinMs : undefined,
    };
  }
}

/** Draws 0..count - 1, the k-th in proportion to 1 / (k + 1)^exponent, by a table of cumulated shares. */
function zipf(count: number, exponent: number, random: RandomSource): () => number {
  const cumulated = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) cumulated[k] = sum += (k + 1) ** -exponent;
  return () => {
    const drawn = random.uniform() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulated[middle] ?? 0) <= drawn) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
