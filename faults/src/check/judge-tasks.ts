import type { LedgerEntry } from "../client/ledger.js";
import { isAnswerTo } from "../oracle/answer-of.js";
import type { Invariant, Violation } from "./violation.js";

/** What the campaign did that explains how tasks end. */
export interface Circumstances {
  /** When workers died, wall clock: a run that several deaths fall upon may become a dead letter. */
  readonly workerDeathsMs: readonly number[];
  /** So long before its deadline a task may be given up, because a batch would take longer than that. */
  readonly earlyMs: number;
}

/** Deaths in company and alone that make a dead letter (`MAX_DEATHS` + `MAX_ALONE_DEATHS`). */
const DEADLY = 6;
/** Submissions are well formed: only load, trouble, or a repeat in progress is a reason to refuse one. */
const LEGAL_REFUSAL = /^(?:409|429|503) /;
/** The deadline runs from the admission, by the clock of Redis, which is this machine's. */
const CLOCK_SLACK_MS = 5;

/** Judges every task by what its client was told. */
export function judgeTasks(entries: readonly LedgerEntry[], circumstances: Circumstances): Violation[] {
  const found = entries.flatMap((entry) => judgeTask(entry, circumstances));
  const accepted = entries.filter(({ outcome }) => outcome === "ok").length;
  // Where next to nothing is accepted, nothing can be lost: that shows nothing.
  if (accepted < entries.length / 10) {
    found.push({ invariant: "unexpected", detail: `only ${accepted} of ${entries.length} tasks were accepted` });
  }
  return found;
}

function judgeTask(entry: LedgerEntry, circumstances: Circumstances): Violation[] {
  const found: Violation[] = [];
  const blame = (invariant: Invariant, what: string): void => {
    const { index, purpose, taskId, first, last } = entry;
    const reads = `first ${JSON.stringify(first ?? null)}, last ${JSON.stringify(last ?? null)}`;
    found.push({ invariant, detail: `${what}: task ${index} (${purpose}, ${taskId ?? "no id"}), ${reads}` });
  };
  if (entry.secondTaskId !== undefined) blame("unexpected", `one key, another task ${entry.secondTaskId}`);
  if (entry.refusal !== undefined && !LEGAL_REFUSAL.test(entry.refusal))
    blame("unexpected", `refused with ${entry.refusal}`);
  if (entry.oddAnswer !== undefined) blame("unexpected", entry.oddAnswer);
  if (entry.outcome !== "ok") return found;
  if (entry.missing > 0) blame("lost", "a read said that there is no such task");
  else if (entry.first === undefined && entry.last === undefined) blame("stuck", "it has not ended");
  else if (entry.last === undefined) blame("changed", "its end cannot be read again");
  else if (entry.first !== undefined && !isSame(entry)) blame("changed", "two reads differ");
  const end = entry.first ?? entry.last;
  if (end === undefined) return found;
  if (end.state === "SUCCESS" && !isAnswerTo(entry.text, end.answer)) blame("crossed", "not its own answer");
  const illegal = whyIllegal(entry, circumstances);
  if (illegal !== undefined) blame("unexpected", illegal);
  if (entry.cancelConfirmed && end.state !== "CANCELED") blame("changed", "its cancel was confirmed");
  return found;
}

function isSame({ first, last }: LedgerEntry): boolean {
  return first?.state === last?.state && first?.answer === last?.answer && first?.errorCode === last?.errorCode;
}

/** Why the task must not have ended this way; undefined if it may. */
function whyIllegal(entry: LedgerEntry, { workerDeathsMs, earlyMs }: Circumstances): string | undefined {
  const end = entry.first ?? entry.last;
  switch (end?.state) {
    case "SUCCESS":
      return entry.purpose === "poison" ? "poison succeeded" : undefined;
    case "FAILED":
      if (entry.purpose === "poison") return undefined;
      return end.errorCode === "worker-died" && deathsUpon(entry, workerDeathsMs) >= DEADLY
        ? undefined
        : "it failed, and its input is good";
    case "EXPIRED": {
      const seenMs = entry.endedMs ?? Infinity;
      const leftMs = entry.submittedMs + entry.deadlineMs - seenMs;
      return leftMs > CLOCK_SLACK_MS + earlyMs ? `expired ${leftMs} ms before its deadline` : undefined;
    }
    case "CANCELED":
      return entry.cancelAskedMs === undefined ? "nobody canceled it" : undefined;
    case undefined:
      return undefined;
  }
}

/** Of those that it, or a twin before it, can have met: a twin's run is at most one deadline older. */
function deathsUpon({ submittedMs, deadlineMs, endedMs = Infinity }: LedgerEntry, deathsMs: readonly number[]): number {
  return deathsMs.filter((atMs) => atMs >= submittedMs - deadlineMs && atMs <= endedMs).length;
}
