import { parseTaskId } from "@sluice/broker";

import type { LedgerEntry } from "../client/ledger.js";

/**
 * Tasks that were submitted and accepted in this time, wall clock ms, on these shards; on any if absent. A caller who
 * waits for the result is answered later than he was accepted.
 */
export function acceptedBetween(
  entries: readonly LedgerEntry[],
  span: { readonly fromMs: number; readonly toMs: number; readonly shards?: readonly number[] },
): LedgerEntry[] {
  return entries.filter(({ submittedMs, acceptedMs, taskId }) => {
    if (acceptedMs === undefined || submittedMs < span.fromMs || acceptedMs > span.toMs) return false;
    return span.shards === undefined || span.shards.includes(shardOf(taskId));
  });
}

/** The shard that an id names; -1 where there is no id. */
export function shardOf(taskId: string | undefined): number {
  return parseTaskId(taskId ?? "")?.shard ?? -1;
}
