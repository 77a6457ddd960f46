import type { BatchReason, LaneReport } from "@sluice/broker";

/** How many of the latest batches of a lane are remembered. */
const LENGTH = 32;

interface PublishedBatch {
  readonly size: number;
  readonly reason: BatchReason;
  /** How long its first task waited, milliseconds. */
  readonly waitMs: number;
}

/** The latest batches of each lane, for operators: how large they were, and why they left. */
export class RecentBatches {
  readonly #lanes = new Map<string, PublishedBatch[]>();

  published(lane: string, batch: PublishedBatch): void {
    const latest = this.#lanes.get(lane) ?? [];
    this.#lanes.set(lane, latest);
    latest.push(batch);
    if (latest.length > LENGTH) latest.shift();
  }

  /** All that are remembered of a lane, together. */
  of(lane: string): LaneReport["latest"] {
    const reasons: Record<string, number> = {};
    let [rows, waitMs] = [0, 0];
    for (const batch of this.#lanes.get(lane) ?? []) {
      reasons[batch.reason] = (reasons[batch.reason] ?? 0) + 1;
      rows += batch.size;
      waitMs += batch.waitMs;
    }
    return { rows, waitMs, reasons };
  }
}
