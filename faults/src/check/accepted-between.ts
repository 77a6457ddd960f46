import { parseTaskId } from "@sluice/broker";

import type { LedgerEntry } from "../client/ledger.js";

/** Tasks that were accepted in this time, wall clock ms, on these shards; on any if absent. */
export function acceptedBetween(
  entries: readonly LedgerEntry[],
  span: { readonly fromMs: number; readonly toMs: number; readonly shards?: readonly number[] },
): LedgerEntry[] {
  return entries.filter(({ acceptedMs, taskId }) => {
    if (acceptedMs === undefined || acceptedMs < span.fromMs || acceptedMs > span.toMs) return false;
    return span.shards === undefined || span.shards.includes(shardOf(taskId));
  });
}

/** The shard that an id names; -1 where there is no id. */
export function shardOf(taskId: string | undefined): number {
  return parseTaskId(taskId ?? "")?.shard ?? -1;
}
