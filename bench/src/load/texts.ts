import { createRandom, type Random } from "./random.js";

/** Which texts. */
export interface TextOptions {
  /** Length of each text; the characters are ASCII. */
  readonly textBytes: number;
  /** Texts of different seeds differ. */
  readonly seed: number;
}

const BASE_TEXTS = 64;
const SERIAL_CHARACTERS = 24;
const SYLLABLES = ["ba", "co", "di", "fu", "ge", "ha", "jo", "ki", "lu", "me", "no", "pa", "ri", "so", "tu", "ve"];

/**
 * Texts of made-up words, each different: a serial number and one of a few base texts, so that making one costs a copy.
 * They hold letters, digits and blanks only.
 */
export function createTexts({ textBytes, seed }: TextOptions): () => string {
  const random = createRandom(seed);
  const bases = Array.from({ length: BASE_TEXTS }, () => createWords(random, textBytes - SERIAL_CHARACTERS));
  let serial = 0;
  return () => {
    const base = bases[serial % BASE_TEXTS] ?? "";
    return serialText(seed, serial++) + base;
  };
}

function serialText(seed: number, serial: number): string {
  return `${seed.toString(16).padStart(10, "0")} ${serial.toString(16).padStart(12, "0")} `;
}

function createWords(random: Random, length: number): string {
  const pick = (count: number): number => Math.floor(random() * count);
  let text = "";
  while (text.length < length) {
    const syllables = Array.from({ length: 1 + pick(4) }, () => SYLLABLES[pick(SYLLABLES.length)]);
    text += `${syllables.join("")} `;
  }
  return text.slice(0, length);
}
