import { BrokerError } from "../errors.js";
import { lookUpRuns } from "../batches/batcher-custody.js";
import type { RedisClient } from "../redis/connect.js";
import { listDeadLetterBlobs } from "../tasks/dead-letters.js";

/**
 * Which blobs of one shard nobody needs any more. A blob has the id of its run: an open run needs it, a result does
 * not, and of a run that failed or is forgotten a dead letter may.
 * @param lettersFromMs dead letters that are older, by Redis' clock, are known not to name any of them.
 * @throws BrokerError storage-unavailable
 */
export async function findUnneededBlobs(
  redis: RedisClient,
  { shard, blobIds, lettersFromMs = 0 }: { shard: number; blobIds: readonly string[]; lettersFromMs?: number },
): Promise<string[]> {
  const looks = await lookUpRuns(
    redis,
    blobIds.map((runId) => ({ runId, shard })),
  );
  const unneeded: string[] = [];
  const perhaps: string[] = [];
  blobIds.forEach((blobId, index) => {
    const look = looks[index];
    if (look instanceof BrokerError) throw look;
    if (look?.kind !== "closed") return;
    if (look.ended === "SUCCESS") unneeded.push(blobId);
    else perhaps.push(blobId);
  });
  if (perhaps.length === 0) return unneeded;
  const inLetters = new Set(await readLetters(redis, shard, lettersFromMs));
  return [...unneeded, ...perhaps.filter((blobId) => !inLetters.has(blobId))];
}

async function readLetters(redis: RedisClient, shard: number, fromMs: number): Promise<string[]> {
  try {
    return await listDeadLetterBlobs(redis, shard, fromMs);
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "Redis did not say which dead letters there are");
  }
}
