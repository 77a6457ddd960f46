import type { RandomSource } from "./random-source.js";

/** Arrival times, milliseconds, rising; without end unless the workload says otherwise. */
export type Arrivals = Iterator<number>;

/** Independent arrivals. */
export function* poisson(perSecond: number, random: RandomSource): Generator<number, undefined> {
  for (let nowMs = 0; ;) yield (nowMs += random.exponential(1_000 / perSecond));
}

/**
 * Bursts: a Poisson process whose rate jumps between two values (Markov-modulated, MMPP-2).
 * @param stayMs mean time at one rate.
 */
export function* bursts(
  rates: { readonly lowPerSecond: number; readonly highPerSecond: number; readonly stayMs: number },
  random: RandomSource,
): Generator<number, undefined> {
  let [nowMs, high] = [0, false];
  let untilMs = random.exponential(rates.stayMs);
  for (;;) {
    const gapMs = random.exponential(1_000 / (high ? rates.highPerSecond : rates.lowPerSecond));
    if (nowMs + gapMs < untilMs) {
      yield (nowMs += gapMs);
      continue;
    }
    // Exponential gaps have no memory: what is left of this one is drawn anew at the other rate.
    nowMs = untilMs;
    high = !high;
    untilMs = nowMs + random.exponential(rates.stayMs);
  }
}

/** Arrivals while it is on, none while it is off, each for `halfMs`. */
export function* onOff(perSecond: number, halfMs: number, random: RandomSource): Generator<number, undefined> {
  // Time that passes only while it is on, stretched afterwards.
  for (let onMs = 0; ;) {
    onMs += random.exponential(1_000 / perSecond);
    yield onMs + Math.floor(onMs / halfMs) * halfMs;
  }
}

/** A rate that rises evenly from nothing to `topPerSecond` at `topMs`, and stays there. By thinning. */
export function* ramp(topPerSecond: number, topMs: number, random: RandomSource): Generator<number, undefined> {
  for (let nowMs = 0; ;) {
    nowMs += random.exponential(1_000 / topPerSecond);
    if (random.uniform() < nowMs / topMs) yield nowMs;
  }
}

/** Recorded times, again. */
export function* replay(timesMs: readonly number[]): Generator<number, undefined> {
  yield* timesMs;
}

/** Reads recorded times, milliseconds, one a line. @throws TypeError where a line is no number or times fall. */
export function parseTrace(text: string): number[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const timesMs = lines.map(Number);
  const wrong = timesMs.findIndex((ms, index) => !(ms >= (timesMs[index - 1] ?? 0)));
  if (wrong !== -1) throw new TypeError(`a trace has rising times, and its line ${wrong + 1} is ${lines[wrong]}`);
  return timesMs;
}
