import {
  BrokerError,
  type ClaimReply,
  claimRuns,
  type CreditMessage,
  type Notice,
  type RedisClient,
} from "@sluice/broker";

/** A run that belongs to this slot until its lease ends. */
export interface ClaimedRun {
  readonly runId: string;
  readonly digest: string;
  /** From its admission to the claim, both by the clock of its shard. */
  readonly queueMs: number;
  readonly attempts: number;
  readonly input: Extract<ClaimReply, { kind: "claimed" }>["input"];
  /** The blob that holds the input, if it is not in `input` itself. */
  readonly blobId: string | undefined;
}

/** What a slot got of a notice. */
export interface ClaimedBatch {
  readonly runs: readonly ClaimedRun[];
  /** Runs that were refused and are still open, or may be. */
  readonly unsettled: CreditMessage["unsettled"];
  /** Runs of shards that did not answer: they may be claimed. */
  readonly doubtful: readonly string[];
  /** Runs that ended here as dead letters, because their workers died with them each time. */
  readonly buried: number;
}

/** Claims the runs of a notice. Runs that are closed are done, whoever did them. */
export async function claimBatch(
  redis: RedisClient,
  notice: Notice,
  claim: { readonly slot: string; readonly leaseMs: number; readonly keepMs: number },
): Promise<ClaimedBatch> {
  const replies = await claimRuns(redis, notice, claim);
  const runs: ClaimedRun[] = [];
  const unsettled: CreditMessage["unsettled"][number][] = [];
  const doubtful: string[] = [];
  let buried = 0;
  for (let i = 0; i < replies.length; i++) {
    const [reply, row] = [replies[i], notice.rows[i]];
    if (!reply || !row) continue;
    const { runId, digest } = row;
    if (reply instanceof BrokerError) {
      doubtful.push(runId);
      unsettled.push({ runId, why: "unknown" });
    } else if (reply.kind === "claimed") {
      const { attempts, input, inputKind, nowMs } = reply;
      const blobId = inputKind === "blob" ? input.toString("latin1") : undefined;
      runs.push({ runId, digest, queueMs: Math.max(0, nowMs - row.admittedMs), attempts, input, blobId });
    } else if (reply.kind === "dead") {
      buried++;
    } else if (reply.kind !== "closed") {
      unsettled.push({ runId, why: reply.kind === "apart" ? "apart" : "unknown" });
    }
  }
  return { runs, unsettled, doubtful, buried };
}
