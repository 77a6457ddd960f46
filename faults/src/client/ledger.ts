/** What a task is there to show. */
export type TaskPurpose = "ordinary" | "twin" | "cancel" | "short" | "poison";

/** What the client knows of the submission. Unknown: the connection broke, or the api said that it does not know. */
export type SubmissionOutcome = "open" | "ok" | "refused" | "unknown";

/** A state that a task keeps. */
export type TerminalState = "SUCCESS" | "FAILED" | "EXPIRED" | "CANCELED";

/** What a read of a task that has ended said. */
export interface TerminalView {
  readonly state: TerminalState;
  /** Of SUCCESS. */
  readonly answer: string | undefined;
  /** Of FAILED. */
  readonly errorCode: string | undefined;
}

/** All that the client side knows of one task. Times are wall clock, ms. */
export interface LedgerEntry {
  readonly index: number;
  /** The input, unlike any other's, except for a twin's. */
  readonly text: string;
  readonly purpose: TaskPurpose;
  readonly deadlineMs: number;
  readonly idempotencyKey: string | undefined;
  outcome: SubmissionOutcome;
  /** HTTP status and problem code of the last refusal. */
  refusal: string | undefined;
  /** Some attempt broke off, so that the input may have run whatever the outcome says. */
  mayHaveRun: boolean;
  taskId: string | undefined;
  /** Another id that a repeat with the same key was given: never legal. */
  secondTaskId: string | undefined;
  submittedMs: number;
  acceptedMs: number | undefined;
  cancelAskedMs: number | undefined;
  cancelConfirmed: boolean;
  first: TerminalView | undefined;
  endedMs: number | undefined;
  /** The read after everything had calmed down. */
  last: TerminalView | undefined;
  /** Reads that said that there is no such task, or that its result is gone. */
  missing: number;
  /** The first answer to a read or a cancel that nothing entitles an api to give: `read: 500 internal`. */
  oddAnswer: string | undefined;
}

/** A new entry, as planned. */
export function openEntry(
  plan: Pick<LedgerEntry, "index" | "text" | "purpose" | "deadlineMs" | "idempotencyKey">,
  nowMs: number,
): LedgerEntry {
  return {
    ...plan,
    outcome: "open",
    refusal: undefined,
    mayHaveRun: false,
    taskId: undefined,
    secondTaskId: undefined,
    submittedMs: nowMs,
    acceptedMs: undefined,
    cancelAskedMs: undefined,
    cancelConfirmed: false,
    first: undefined,
    endedMs: undefined,
    last: undefined,
    missing: 0,
    oddAnswer: undefined,
  };
}
