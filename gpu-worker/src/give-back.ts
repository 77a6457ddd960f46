import { BrokerError, type CreditMessage, type RedisClient, unclaimRuns } from "@sluice/broker";
import type { LateWrites } from "./late-writes.js";

/** Whose claim it is, and until when. */
export interface Holder {
  readonly slot: string;
  readonly batchId: string;
  /** Monotonic. */
  readonly leaseEndsMs: number;
}

/**
 * Ends the leases of runs that this slot does not settle, so that they need not wait for their end. Only its own claim
 * is touched; shards that do not answer are tried again in the background.
 * @returns what the batchers are told: `returned` may be published again at once, `unknown` they look up.
 */
export async function giveBack(
  redis: RedisClient,
  runIds: readonly string[],
  holder: Holder,
  lateWrites: LateWrites,
): Promise<CreditMessage["unsettled"]> {
  if (runIds.length === 0) return [];
  const { slot, batchId } = holder;
  const replies = await unclaimRuns(redis, runIds, { slot, batchId, kind: "returned" });
  const failed = runIds.filter((_runId, index) => replies[index] instanceof BrokerError);
  releaseLater(redis, failed, holder, lateWrites);
  return runIds.map((runId, index) => ({ runId, why: replies[index] === "unclaimed" ? "returned" : "unknown" }));
}

/** Ends leases in the background, of runs that may be claimed: the shard did not say. */
export function releaseLater(
  redis: RedisClient,
  runIds: readonly string[],
  holder: Holder,
  lateWrites: LateWrites,
): void {
  if (runIds.length === 0) return;
  const { slot, batchId } = holder;
  let left = runIds;
  lateWrites.add(async () => {
    const replies = await unclaimRuns(redis, left, { slot, batchId, kind: "returned" });
    left = left.filter((_runId, index) => replies[index] instanceof BrokerError);
    return left.length === 0;
  }, holder.leaseEndsMs);
}
