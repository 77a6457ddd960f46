import type { BrokerError } from "../errors.js";
import { parseTaskId } from "../ids.js";
import { keys } from "../keys.js";
import type { BatchClass } from "../lane.js";
import type { RedisClient } from "../redis/connect.js";
import { type ClaimReply, claimScript } from "../scripts/claim.js";
import { finishBatchScript } from "../scripts/finish-batch.js";
import { type SettleReply, settleScript } from "../scripts/settle.js";
import { unclaimScript } from "../scripts/unclaim.js";
import {
  encodeFailure,
  encodeOutput,
  encodeRecord,
  type OutputTensor,
  type RunRecord,
  type TaskFailure,
} from "../tasks/outcome.js";
import { type CreditMessage, encodeCredit, type Notice } from "./notice.js";
import { MAX_ALONE_DEATHS, MAX_DEATHS } from "./protocol-limits.js";
import { scatterByShard } from "./scatter.js";

/** What one row of a batch came to. */
export type RowOutcome =
  | { readonly state: "SUCCESS"; readonly output: readonly OutputTensor[] }
  | { readonly state: "FAILED"; readonly failure: TaskFailure };

/** One run to settle. */
export interface Settlement {
  readonly runId: string;
  readonly outcome: RowOutcome;
  readonly record: RunRecord;
}

const placesOf = (runIds: readonly string[]) =>
  runIds.map((runId) => ({ runId, shard: parseTaskId(runId)?.shard ?? 0 }));

/**
 * Claims the runs of a notice for one slot, in the order of its rows. `leaseMs`: what the worker takes at most, and
 * `LEASE_SLACK_MS`. `nowMs` in a reply is the shard's clock.
 * An error stands for the runs of a shard that does not answer: they may be claimed, and are again with the same call.
 */
export async function claimRuns(
  redis: RedisClient,
  notice: Notice,
  claim: { readonly slot: string; readonly leaseMs: number; readonly keepMs: number },
): Promise<((ClaimReply & { readonly nowMs: number }) | BrokerError)[]> {
  const { slot, leaseMs, keepMs } = claim;
  return await scatterByShard(placesOf(notice.rows.map((row) => row.runId)), async (shard, group) => {
    const { nowMs, runs } = await claimScript.run(
      redis,
      { "run...": group.map((run) => keys.run(shard, run.runId)) },
      {
        slot,
        batchId: notice.batchId,
        leaseMs,
        aloneInProcess: notice.reason === "solo" ? 1 : 0,
        maxDeaths: MAX_DEATHS,
        maxAloneDeaths: MAX_ALONE_DEATHS,
        keepMs,
        "runId...": group.map((run) => run.runId),
      },
    );
    return runs.map((run) => ({ ...run, nowMs }));
  });
}

/**
 * Stores results and ends custody, in the order given. "closed": somebody was first, or the run is gone.
 * An error stands for a shard that does not answer: settle again, it is idempotent.
 */
export async function settleRuns(
  redis: RedisClient,
  settlements: readonly Settlement[],
  keepMs: number,
): Promise<(SettleReply | BrokerError)[]> {
  const places = settlements.map((settlement) => ({ settlement, shard: parseTaskId(settlement.runId)?.shard ?? 0 }));
  return await scatterByShard(places, (shard, group) =>
    settleScript.run(
      redis,
      { "run...": group.map(({ settlement }) => keys.run(shard, settlement.runId)) },
      { keepMs, "row...": group.flatMap(({ settlement }) => encodeSettlement(settlement)) },
    ),
  );
}

function encodeSettlement({ runId, outcome, record }: Settlement): (string | Uint8Array)[] {
  return outcome.state === "SUCCESS"
    ? [runId, outcome.state, encodeOutput(outcome.output), encodeRecord(record), ""]
    : [runId, outcome.state, encodeFailure(outcome.failure), encodeRecord(record), outcome.failure.code];
}

/** Gives runs back (`returned`), or takes them from a slot that is believed dead (`died`); only that slot's and batch's. */
export async function unclaimRuns(
  redis: RedisClient,
  runIds: readonly string[],
  holder: { readonly slot: string; readonly batchId: string; readonly kind: "returned" | "died" },
): Promise<("unclaimed" | "other" | BrokerError)[]> {
  return await scatterByShard(placesOf(runIds), (shard, group) =>
    unclaimScript.run(redis, { "run...": group.map((run) => keys.run(shard, run.runId)) }, holder),
  );
}

/**
 * Takes a notice away if it is still this slot's, and tells the batchers.
 * @throws BrokerError storage-unavailable; the batchers then find out by look-up, and the credit is freed by pruning.
 */
export async function finishBatch(
  redis: RedisClient,
  pool: string,
  end: {
    readonly batchClass: BatchClass;
    readonly slot: string;
    readonly noticeId: string;
    readonly message: CreditMessage;
  },
): Promise<"finished" | "stale"> {
  return await finishBatchScript.run(
    redis,
    { notices: keys.notices(pool, end.batchClass) },
    { slot: end.slot, noticeId: end.noticeId, channel: keys.credits(pool), message: encodeCredit(end.message) },
  );
}
