/** Which row of a batch each run gets its result from. */
export interface SharedRows {
  /** For each run, in order, the place of its row. */
  readonly rowOfRun: readonly number[];
  /** For each row the run whose input it has: the first of its digest. */
  readonly runOfRow: readonly number[];
}

/**
 * Runs with equal digests share one row.
 * @param digests one per run, in order; undefined for a run that must not share (its input could not be loaded).
 * An empty digest says nothing of its input, and is not shared either.
 */
export function shareRows(digests: readonly (string | undefined)[]): SharedRows {
  const rowOfDigest = new Map<string, number>();
  const rowOfRun: number[] = [];
  const runOfRow: number[] = [];
  for (let run = 0; run < digests.length; run++) {
    const digest = digests[run];
    const known = digest ? rowOfDigest.get(digest) : undefined;
    const row = known ?? runOfRow.push(run) - 1;
    if (digest) rowOfDigest.set(digest, row);
    rowOfRun.push(row);
  }
  return { rowOfRun, runOfRow };
}
