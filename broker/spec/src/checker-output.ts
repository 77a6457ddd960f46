/** What TLC found in one world. */
export interface Verdict {
  /** The invariant or property that does not hold; undefined if all do. */
  readonly violated: string | undefined;
  /** States that differ, up to the symmetry of the world. */
  readonly distinctStates: number;
  /** How many states lead to the violation. */
  readonly traceLength: number;
}

/** TLC does not say which temporal property is violated: there is only this one. */
const TEMPORAL = "Ends";

/** Reads what TLC prints. @returns undefined if it neither finished nor found a violation. */
export function parseCheckerOutput(output: string): Verdict | undefined {
  const distinctStates = lastNumber(output, /([\d,]+) distinct states found/g);
  const traceLength = [...output.matchAll(/^State \d+: </gm)].length;
  const violated =
    /Error: (?:Invariant|Action property) (\w+) is violated/.exec(output)?.[1] ??
    (output.includes("Temporal properties were violated") ? TEMPORAL : undefined);
  if (violated !== undefined) return { violated, distinctStates, traceLength };
  if (!output.includes("No error has been found") || distinctStates === 0) return undefined;
  return { violated: undefined, distinctStates, traceLength: 0 };
}

function lastNumber(text: string, pattern: RegExp): number {
  const found = [...text.matchAll(pattern)].at(-1)?.[1];
  return found === undefined ? 0 : Number(found.replaceAll(",", ""));
}
