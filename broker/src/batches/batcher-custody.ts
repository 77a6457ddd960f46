import type { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import type { BatchClass } from "../lane.js";
import type { RedisClient } from "../redis/connect.js";
import { type ExpireReply, expireScript } from "../scripts/expire.js";
import { type LookUpReply, lookUpScript } from "../scripts/look-up.js";
import { type PublishReply, publishBatchScript } from "../scripts/publish-batch.js";
import { encodeNotice, type Notice } from "./notice.js";
import { MAX_DEATHS, SLOT_ALIVE_MS } from "./protocol-limits.js";
import { scatterByShard } from "./scatter.js";

/** Where a run lies. */
export interface RunPlace {
  readonly runId: string;
  readonly shard: number;
}

/**
 * Publishes a batch if its pool has a credit.
 * @throws BrokerError storage-unavailable; the notice may be there all the same, a second one is harmless.
 */
export async function publishBatch(
  redis: RedisClient,
  pool: string,
  batch: { readonly batchClass: BatchClass; readonly notice: Notice; readonly prefetch: number },
): Promise<PublishReply> {
  const other = batch.batchClass === "now" ? "bulk" : "now";
  return await publishBatchScript.run(
    redis,
    {
      notices: keys.notices(pool, batch.batchClass),
      otherNotices: keys.notices(pool, other),
      slots: keys.slots(pool),
    },
    { aliveMs: SLOT_ALIVE_MS, prefetch: batch.prefetch, payload: encodeNotice(batch.notice) },
  );
}

/** What became of published runs, in the same order; an error for the runs of a shard that does not answer. */
export async function lookUpRuns(
  redis: RedisClient,
  runs: readonly RunPlace[],
): Promise<(LookUpReply | BrokerError)[]> {
  return await scatterByShard(runs, (shard, group) =>
    lookUpScript.run(redis, { "run...": group.map((run) => keys.run(shard, run.runId)) }, { maxDeaths: MAX_DEATHS }),
  );
}

/**
 * Stores EXPIRED for tasks whose deadline is before now + `marginMs`. A run that is closed may be forgotten; an open
 * one may not, whatever its reference said [R6].
 */
export async function expireRuns(
  redis: RedisClient,
  runs: readonly RunPlace[],
  marginMs: number,
): Promise<(ExpireReply | BrokerError)[]> {
  return await scatterByShard(runs, (shard, group) =>
    expireScript.run(
      redis,
      { "run...": group.map((run) => keys.run(shard, run.runId)) },
      { marginMs: Math.round(marginMs), "runId...": group.map((run) => run.runId) },
    ),
  );
}
