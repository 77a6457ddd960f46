const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5_000;

/** A process that lived this long has recovered: its next death is the first of a new row. */
const RECOVERED_AFTER_MS = 30_000;

/** When to start a process again. */
export interface NextRestart {
  /** Deaths in a row, this one included. */
  readonly deaths: number;
  readonly delayMs: number;
}

/**
 * 0.2 s after the first death, twice as long after each further one in a row, at most 5 s.
 * @param deaths those in a row before this one.
 * @param livedMs how long the process that died had been running; 0 if it did not come up.
 */
export function nextRestart(deaths: number, livedMs: number): NextRestart {
  const earlier = livedMs >= RECOVERED_AFTER_MS ? 0 : deaths;
  return { deaths: earlier + 1, delayMs: Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** earlier) };
}
