import {
  type BlobStore,
  createPoller,
  listDeadLetterBlobs,
  lookUpRuns,
  parseTaskId,
  type RedisClient,
  type RunPlace,
  type Service,
} from "@sluice/broker";
import type { Logger } from "pino";

const EVERY_MS = 10 * 60_000;
/** A blob is written before its task is admitted, and an admission takes seconds at most. */
const MIN_AGE_MS = 60 * 60_000;
const CHUNK = 100;

/** Deletes blobs that a crash has left: old ones whose run is neither open nor a dead letter. Redis is asked first. */
export function createBlobSweeper(deps: {
  readonly redis: RedisClient;
  readonly blobs: BlobStore;
  readonly log: Logger;
}): Service {
  return createPoller(() => sweepBlobs(deps, MIN_AGE_MS).then(() => undefined), EVERY_MS, deps.log);
}

/** One sweep. @returns how many blobs were deleted. @throws BrokerError storage-unavailable */
export async function sweepBlobs(
  { redis, blobs, log }: { readonly redis: RedisClient; readonly blobs: BlobStore; readonly log: Logger },
  minAgeMs: number,
): Promise<number> {
  let deleted = 0;
  let chunk: RunPlace[] = [];
  const sweepChunk = async (): Promise<void> => {
    const unneeded = await findUnneeded(redis, chunk);
    for (const blobId of unneeded) await blobs.delete(blobId);
    deleted += unneeded.length;
    chunk = [];
  };
  for await (const blobId of blobs.listOlderThan(minAgeMs)) {
    const shard = parseTaskId(blobId)?.shard;
    if (shard === undefined) continue;
    chunk.push({ runId: blobId, shard });
    if (chunk.length === CHUNK) await sweepChunk();
  }
  if (chunk.length > 0) await sweepChunk();
  if (deleted > 0) log.info({ deleted }, "blobs swept");
  return deleted;
}

async function findUnneeded(redis: RedisClient, runs: readonly RunPlace[]): Promise<string[]> {
  const looks = await lookUpRuns(redis, runs);
  const closed = runs.filter((_run, i) => {
    const look = looks[i];
    return look !== undefined && "kind" in look && look.kind === "closed";
  });
  const needed = new Set<string>();
  for (const shard of new Set(closed.map((run) => run.shard))) {
    for (const blobId of await listDeadLetterBlobs(redis, shard)) needed.add(blobId);
  }
  return closed.map((run) => run.runId).filter((runId) => !needed.has(runId));
}
