import type { Notice, RowOutcome, RunRecord } from "@sluice/broker";
import type { ClaimedRun } from "./claim-batch.js";
import type { RunToSettle } from "./settle-batch.js";

/** A batch that was computed. */
export interface ComputedBatch {
  readonly notice: Notice;
  readonly runs: readonly ClaimedRun[];
  /** For each run, in order, the place of its row. */
  readonly rowOfRun: readonly number[];
  /** For each row what it came to; undefined for a row that must be given back. */
  readonly outcomes: readonly (RowOutcome | undefined)[];
  /** From the claim to the first inference call, and from there to the last answer. */
  readonly preprocessMs: number;
  readonly inferMs: number;
}

/** What becomes of each claimed run. */
export interface BatchResults {
  readonly toSettle: readonly RunToSettle[];
  /** Run ids. */
  readonly toGiveBack: readonly string[];
}

/** Gives each run the outcome of its row, and the record of how it came about. */
export function resultsOfRuns(batch: ComputedBatch): BatchResults {
  const { notice, runs, rowOfRun, outcomes } = batch;
  const toSettle: RunToSettle[] = [];
  const toGiveBack: string[] = [];
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i];
    if (!run) continue;
    const { runId, blobId } = run;
    const outcome = outcomes[rowOfRun[i] ?? -1];
    if (outcome) toSettle.push({ runId, blobId, outcome, record: recordOf(run, notice, batch) });
    else toGiveBack.push(runId);
  }
  return { toSettle, toGiveBack };
}

function recordOf({ queueMs, attempts }: ClaimedRun, notice: Notice, batch: ComputedBatch): RunRecord {
  return {
    batchId: notice.batchId,
    size: batch.runs.length,
    unique: batch.outcomes.length,
    reason: notice.reason,
    queueMs,
    batchWaitMs: notice.waitMs,
    preprocessMs: batch.preprocessMs,
    inferMs: batch.inferMs,
    gpuShareMs: batch.inferMs / batch.outcomes.length,
    attempts,
  };
}
