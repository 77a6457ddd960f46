import type { RowOutcome, TaskFailure } from "@sluice/broker";

/** What one inference call came to. */
export type Attempt =
  | { readonly kind: "answered"; readonly outcomes: readonly RowOutcome[] }
  /** Some row is at fault; if not `certain`, it may as well be the endpoint. */
  | { readonly kind: "refused"; readonly failure: TaskFailure; readonly certain: boolean }
  /** The endpoint is in trouble, retries included, or time is up. */
  | { readonly kind: "unavailable" };

/** What the search needs of the outside. */
export interface BisectSteps<Row> {
  readonly attempt: (rows: readonly Row[]) => Promise<Attempt>;
  /** Whether an input that is known to be good works there now; undefined if the model has none. */
  readonly knownGoodWorks: () => Promise<boolean | undefined>;
  /** Neither a good input nor a mate succeeded. @param isProven a good input was tried. */
  readonly endpointBlamed: (isProven: boolean) => void;
  /** Waits before rows that failed alone are tried again. */
  readonly pause: (round: number) => Promise<void>;
  /** How often a row must fail alone before it is believed. */
  readonly maxAttempts: number;
}

/** What is known of each row; undefined for a row about which nothing is known. */
type Outcomes = (RowOutcome | undefined)[];

/** A row that was refused alone. */
interface Suspect {
  readonly index: number;
  readonly failure: TaskFailure;
  readonly certain: boolean;
}

/**
 * Runs rows in one call and, if the call is refused because of its data, finds the rows at fault by halving; their
 * mates succeed. A row fails when it was refused alone `maxAttempts` times; where a refusal is not certain, a good
 * input or a mate must succeed after it, else the endpoint is to blame.
 * At most 2n - 1 + n (maxAttempts - 1) + 1 calls for n rows, and two runs of the known-good input.
 * @returns one entry per row, in order; undefined for a row that must be given back.
 */
export async function bisect<Row>(rows: readonly Row[], steps: BisectSteps<Row>): Promise<Outcomes> {
  const outcomes: Outcomes = new Array<undefined>(rows.length).fill(undefined);
  const refusedOnce = await halve(rows, steps, outcomes);
  const suspects = refusedOnce && (await tryAgain(rows, steps, { outcomes, suspects: refusedOnce }));
  if (!suspects || suspects.length === 0) return outcomes;
  const endpointWorks = suspects.every((suspect) => suspect.certain) || (await works(rows, steps, outcomes));
  for (const { index, failure, certain } of suspects) {
    if (certain || endpointWorks) outcomes[index] = { state: "FAILED", failure };
  }
  return outcomes;
}

/** Halves until every row was answered or refused alone. @returns the latter; undefined if the endpoint is to blame. */
async function halve<Row>(
  rows: readonly Row[],
  steps: BisectSteps<Row>,
  outcomes: Outcomes,
): Promise<Suspect[] | undefined> {
  const suspects: Suspect[] = [];
  const ranges: [from: number, to: number][] = [[0, rows.length]];
  let patience: number | undefined;
  for (let range = ranges.pop(); range; range = ranges.pop()) {
    const [from, to] = range;
    const attempt = await steps.attempt(rows.slice(from, to));
    if (attempt.kind === "unavailable") return undefined;
    if (attempt.kind === "answered") {
      suspects.push(...keepSuccesses(attempt.outcomes, from, outcomes));
      patience = Infinity;
      continue;
    }
    if (!attempt.certain) {
      patience ??= (await steps.knownGoodWorks()) === false ? blindCalls(rows.length) : Infinity;
      if (--patience <= 0 && rows.length > 1) {
        steps.endpointBlamed(true);
        return undefined;
      }
    }
    if (to - from === 1) suspects.push({ index: from, failure: attempt.failure, certain: attempt.certain });
    else ranges.push([(from + to) >>> 1, to], [from, (from + to) >>> 1]);
  }
  return suspects;
}

/**
 * How many calls in a row may be refused while not even the known-good input works: as many as it takes to come to a
 * call without the one bad row of a batch, if that is what is wrong (and the known-good input is none).
 */
function blindCalls(rowCount: number): number {
  return Math.ceil(Math.log2(rowCount)) + 2;
}

/** Rows that failed inside a call that worked (a score that is no number) are at fault for certain. */
function keepSuccesses(answered: readonly RowOutcome[], from: number, outcomes: Outcomes): Suspect[] {
  const suspects: Suspect[] = [];
  for (let i = 0; i < answered.length; i++) {
    const outcome = answered[i];
    if (outcome?.state === "FAILED") suspects.push({ index: from + i, failure: outcome.failure, certain: true });
    else outcomes[from + i] = outcome;
  }
  return suspects;
}

/** Gives each suspect its further tries. @returns those that failed them all; undefined if the endpoint gave way. */
async function tryAgain<Row>(
  rows: readonly Row[],
  steps: BisectSteps<Row>,
  found: { readonly outcomes: Outcomes; readonly suspects: readonly Suspect[] },
): Promise<readonly Suspect[] | undefined> {
  let { suspects } = found;
  for (let round = 1; round < steps.maxAttempts && suspects.length > 0; round++) {
    await steps.pause(round);
    const still: Suspect[] = [];
    for (const { index } of suspects) {
      const attempt = await steps.attempt(rows.slice(index, index + 1));
      if (attempt.kind === "unavailable") return undefined;
      if (attempt.kind === "refused") still.push({ index, failure: attempt.failure, certain: attempt.certain });
      else still.push(...keepSuccesses(attempt.outcomes, index, found.outcomes));
    }
    suspects = still;
  }
  return suspects;
}

/** Whether the endpoint works, after all those failures, for the known-good input or for a row that it could do before. */
async function works<Row>(rows: readonly Row[], steps: BisectSteps<Row>, outcomes: Outcomes): Promise<boolean> {
  const knownGood = await steps.knownGoodWorks();
  if (knownGood) return true;
  const mate = outcomes.findIndex((outcome) => outcome?.state === "SUCCESS");
  if (mate >= 0) {
    const attempt = await steps.attempt(rows.slice(mate, mate + 1));
    if (attempt.kind === "answered" && attempt.outcomes[0]?.state === "SUCCESS") return true;
  }
  steps.endpointBlamed(knownGood === false);
  return false;
}
