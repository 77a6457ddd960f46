import { parseTaskId } from "@sluice/broker";

import type { LedgerEntry } from "../client/ledger.js";
import type { InjectedFault } from "../nemesis/nemesis.js";

/** How long after a kill that was alone its tasks were done, or its shards took work again. ms. */
export interface Recovery {
  readonly name: string;
  readonly atMs: number;
  /** Tasks that were open when it happened, and those that came soon after it and took long. */
  readonly affectedTasks: number;
  /** From the kill to the end of the last of them; Infinity if one has not ended. */
  readonly recoveryMs: number;
  /** Of a master: the longest time without an acceptance on its shards. */
  readonly writeGapMs: number | undefined;
}

/** How far after the kill a gap is looked for. */
const WINDOW_MS = 20_000;

/** A task that comes soon after a kill and takes longer than this had to wait for what was killed. */
const SLOW_MS = 1_000;
/** Well before the next fault (`ALONE_MS`), which would make tasks slow as well, and beyond the lease of a shard. */
const SOON_MS = 6_500;

/**
 * Measures the kills that were alone. All tasks that were open at the kill count, whoever had them: what a dead
 * process had in its hands is among them, so this is an upper bound.
 */
export function measureRecovery(faults: readonly InjectedFault[], entries: readonly LedgerEntry[]): Recovery[] {
  return faults
    .filter(({ alone, skipped }) => alone && skipped === undefined)
    .map(({ name, atMs, shards, fault }) => {
      const affected = entries.filter(({ outcome, acceptedMs = Infinity, endedMs = Infinity }) => {
        if (outcome !== "ok" || endedMs <= atMs) return false;
        return acceptedMs <= atMs || (acceptedMs <= atMs + SOON_MS && endedMs - acceptedMs > SLOW_MS);
      });
      const endsMs = affected.map(({ endedMs = Infinity }) => endedMs);
      const recoveryMs = endsMs.length === 0 ? 0 : Math.max(...endsMs) - atMs;
      const writeGapMs = fault.kind === "kill-master" ? longestGap(entries, shards, atMs) : undefined;
      return { name, atMs, affectedTasks: affected.length, recoveryMs, writeGapMs };
    });
}

/**
 * The longest time without an acceptance on these shards that begins or goes on after `atMs`. Who was submitted before
 * and heard of it after may have been accepted before, for some wait for their result in the submission itself.
 */
function longestGap(entries: readonly LedgerEntry[], shards: readonly number[], atMs: number): number {
  const accepted = entries
    .flatMap(({ taskId, submittedMs, acceptedMs, outcome }) => {
      const shard = outcome === "ok" && taskId !== undefined ? parseTaskId(taskId)?.shard : undefined;
      if (acceptedMs === undefined || shard === undefined || !shards.includes(shard)) return [];
      return submittedMs <= atMs && acceptedMs > atMs ? [] : [acceptedMs];
    })
    .filter((ms) => ms > atMs - WINDOW_MS && ms < atMs + WINDOW_MS)
    .sort((a, b) => a - b);
  // If nothing was taken any more, the gap goes on for as long as somebody tries.
  const triedMs = entries.map(({ submittedMs }) => submittedMs).filter((ms) => ms < atMs + WINDOW_MS);
  accepted.push(triedMs.reduce((latest, ms) => Math.max(latest, ms), accepted.at(-1) ?? atMs));
  let longest = 0;
  for (let index = 1; index < accepted.length; index++) {
    const [from = 0, to = 0] = [accepted[index - 1], accepted[index]];
    if (to > atMs) longest = Math.max(longest, to - from);
  }
  return longest;
}

/** The value that `share` (0..1) of the values do not exceed; undefined for none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}
