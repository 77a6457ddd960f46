import {
  type BlobReaper,
  BrokerError,
  type RedisClient,
  type RowOutcome,
  type Settlement,
  type SettleReply,
  settleRuns,
} from "@sluice/broker";
import type { LateWrites } from "./late-writes.js";

/** One run to settle, and where its input lies. */
export interface RunToSettle extends Settlement {
  readonly blobId: string | undefined;
}

/** What settling needs. */
export interface SettleDeps {
  readonly redis: RedisClient;
  readonly reaper: Pick<BlobReaper, "add">;
  readonly lateWrites: LateWrites;
  readonly onSettled: (state: RowOutcome["state"], count: number) => void;
}

/**
 * Settles what a batch came to. Shards that do not answer are tried again in the background until the lease ends, so
 * that one that is down does not hold up the others.
 * @returns the runs that are not known to be settled.
 */
export async function settleBatch(
  runs: readonly RunToSettle[],
  options: { readonly keepMs: number; readonly leaseEndsMs: number },
  deps: SettleDeps,
): Promise<readonly RunToSettle[]> {
  const left = await settleOnce(runs, options.keepMs, deps);
  if (left.length > 0) deps.lateWrites.add(createRepeat(left, options.keepMs, deps), options.leaseEndsMs);
  return left;
}

/** @returns the runs of shards that did not answer. */
async function settleOnce(
  runs: readonly RunToSettle[],
  keepMs: number,
  deps: SettleDeps,
): Promise<readonly RunToSettle[]> {
  if (runs.length === 0) return runs;
  const replies = await settleRuns(deps.redis, runs, keepMs);
  countSettled(runs, replies, deps);
  runs.forEach(({ blobId, outcome }, i) => {
    // The blob of a failed run stays: its dead letter has no other copy of the input. "closed" may be the reply to a
    // repetition, and then nobody else knows of the blob.
    if (blobId === undefined || outcome.state === "FAILED" || replies[i] instanceof BrokerError) return;
    deps.reaper.add(blobId);
  });
  return runs.filter((_run, i) => replies[i] instanceof BrokerError);
}

function countSettled(
  runs: readonly RunToSettle[],
  replies: readonly (SettleReply | BrokerError)[],
  { onSettled }: SettleDeps,
): void {
  const counts = { SUCCESS: 0, FAILED: 0 };
  runs.forEach(({ outcome }, i) => {
    if (replies[i] === "settled") counts[outcome.state]++;
  });
  for (const state of ["SUCCESS", "FAILED"] as const) {
    if (counts[state] > 0) onSettled(state, counts[state]);
  }
}

function createRepeat(runs: readonly RunToSettle[], keepMs: number, deps: SettleDeps): () => Promise<boolean> {
  let left = runs;
  return async () => {
    left = await settleOnce(left, keepMs, deps);
    return left.length === 0;
  };
}
