/** A stream of numbers that its seed decides. */
export interface Random {
  /** 0 <= value < 1 */
  next(): number;
  /** A whole number, both ends included. */
  between(min: number, max: number): number;
  /** One of them. @throws RangeError for an empty list. */
  pick<T>(values: readonly T[]): T;
  /** True with this probability. */
  chance(probability: number): boolean;
}

/** mulberry32 (Tommy Ettinger, public domain), seeded with an FNV-1a hash of the text. */
export function createRandom(seed: string): Random {
  let state = hashOf(seed);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick: <T>(values: readonly T[]): T => {
      if (values.length === 0) throw new RangeError("nothing to pick from");
      return values[Math.floor(next() * values.length)] as T;
    },
    chance: (probability) => next() < probability,
  };
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash | 0;
}
