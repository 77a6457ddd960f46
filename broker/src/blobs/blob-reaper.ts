import type { Logger } from "pino";
import type { Clock } from "../clock.js";
import { parseTaskId } from "../ids.js";
import type { ConfirmedWrites } from "../redis/confirmed-writes.js";
import { createPoller, type Poller } from "../redis/poller.js";
import { createBlobList, type ListedBlob } from "./blob-list.js";
import type { BlobStore } from "./blob-store.js";
import { findUnneededBlobs } from "./unneeded-blobs.js";

/** Deletes blobs of runs that have ended, some time after their end. */
export interface BlobReaper extends Poller {
  /** The run of this blob has ended. What is not deleted before this process ends is left to the sweeper. */
  add(blobId: string): void;
}

/** What it works with. */
export interface BlobReaperDeps {
  /** At the level of durability that admissions are promised. */
  readonly writes: Pick<ConfirmedWrites, "lasting">;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * An end that a failover undoes makes the run open again, and then it needs its input. So long after the end that
 * cannot be any more: by Redis' own defaults a master that is cut off answers for 15 s, its log is forced out after
 * 2 s, and electing another takes 1 to 2 s.
 */
const GRACE_MS = 20_000;
const EVERY_MS = 1_000;
/** Of one look, so that it ends soon. */
const MAX_AT_ONCE = 2_000;
/** 10 MB; enough for 2,500 blobs a second. The rest is left to the sweeper. */
const CAPACITY = 50_000;
/** How far the clocks of Redis and of this process may be apart. */
const CLOCK_SLACK_MS = 60_000;

/**
 * Deletes each blob after a grace, if Redis says then, as surely as admissions are promised, that its run does not need
 * it. A run that is open again is forgotten: whoever ends it gives its blob again.
 */
export function createBlobReaper(
  deps: BlobReaperDeps,
  { graceMs = GRACE_MS, everyMs = EVERY_MS }: { readonly graceMs?: number; readonly everyMs?: number } = {},
): BlobReaper {
  const { writes, blobs, clock, log } = deps;
  const list = createBlobList(CAPACITY);
  const addLater = (blob: ListedBlob): void => void list.add(blob, clock.monotonicMs() + graceMs);
  const reapShard = async (shard: number, ended: readonly ListedBlob[]): Promise<void> => {
    const lettersFromMs = Math.max(0, Math.min(...ended.map(({ endedMs }) => endedMs)) - CLOCK_SLACK_MS);
    const look = { shard, blobIds: ended.map(({ blobId }) => blobId), lettersFromMs };
    try {
      const unneeded = await writes.lasting(shard, (redis) => findUnneededBlobs(redis, look));
      // One after the other: the threads that delete files also decode pictures.
      for (const blobId of unneeded) await blobs.delete(blobId, graceMs);
    } catch (error) {
      ended.forEach(addLater);
      throw error;
    }
  };
  const look = async (): Promise<void> => {
    const due = byShard(list.takeDue(clock.monotonicMs(), MAX_AT_ONCE));
    const reaped = await Promise.allSettled([...due].map(([shard, ended]) => reapShard(shard, ended)));
    const failed = reaped.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  };
  const poller = createPoller(look, everyMs, log);
  return { ...poller, add: (blobId) => addLater({ blobId, endedMs: clock.epochMs() }) };
}

function byShard(blobs: readonly ListedBlob[]): Map<number, ListedBlob[]> {
  const shards = new Map<number, ListedBlob[]>();
  for (const blob of blobs) {
    const shard = parseTaskId(blob.blobId)?.shard ?? 0;
    const known = shards.get(shard);
    if (known) known.push(blob);
    else shards.set(shard, [blob]);
  }
  return shards;
}
