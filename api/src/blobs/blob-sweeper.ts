import {
  type BlobReaper,
  type BlobStore,
  createPoller,
  findUnneededBlobs,
  parseTaskId,
  type RedisClient,
  type Service,
} from "@sluice/broker";
import type { Logger } from "pino";

const EVERY_MS = 10 * 60_000;
/**
 * A blob is written before its task is admitted, and an admission takes seconds at most. With the time between two
 * sweeps and the reaper's grace, what a crash has left goes within an hour.
 */
const MIN_AGE_MS = 45 * 60_000;
const CHUNK = 100;

/** What a sweep works with. */
export interface SweepDeps {
  readonly redis: RedisClient;
  readonly blobs: Pick<BlobStore, "listOlderThan">;
  readonly reaper: Pick<BlobReaper, "add">;
  readonly log: Logger;
}

/** Finds blobs that a crash has left: old ones that no open run and no dead letter needs. The reaper deletes them. */
export function createBlobSweeper(deps: SweepDeps): Service {
  return createPoller(() => sweepBlobs(deps, MIN_AGE_MS).then(() => undefined), EVERY_MS, deps.log);
}

/** One sweep. @returns how many blobs the reaper got. @throws BrokerError storage-unavailable */
export async function sweepBlobs({ redis, blobs, reaper, log }: SweepDeps, minAgeMs: number): Promise<number> {
  let found = 0;
  const chunks = new Map<number, string[]>();
  const sweepChunk = async (shard: number): Promise<void> => {
    const blobIds = chunks.get(shard) ?? [];
    chunks.delete(shard);
    const unneeded = await findUnneededBlobs(redis, { shard, blobIds });
    unneeded.forEach((blobId) => reaper.add(blobId));
    found += unneeded.length;
  };
  for await (const blobId of blobs.listOlderThan(minAgeMs)) {
    const shard = parseTaskId(blobId)?.shard;
    if (shard === undefined) continue;
    const chunk = chunks.get(shard) ?? [];
    chunks.set(shard, chunk);
    if (chunk.push(blobId) === CHUNK) await sweepChunk(shard);
  }
  for (const shard of [...chunks.keys()]) await sweepChunk(shard);
  if (found > 0) log.info({ found }, "blobs without a run found");
  return found;
}
