import { buryEntries, type Clock, type ReadyStream, type Ref, type RedisClient, sweepPending } from "@sluice/broker";
import type { Logger } from "pino";
import type { Ledger } from "./ledger.js";
import type { BatcherMetrics } from "./metrics.js";
import type { ServerClock } from "./server-clock.js";

/** What a walk over pending entries needs. */
export interface WalkDeps {
  readonly redis: RedisClient;
  readonly clock: Clock;
  readonly serverClock: ServerClock;
  readonly log: Logger;
  readonly ledger: Ledger;
  readonly metrics: BatcherMetrics;
}

/**
 * Claims what is pending in one ready stream and not in memory. Entries that nobody can read go to the dead letters.
 * @returns the references that are to be listed, if the shard is still this batcher's by then.
 */
export async function walkPending(deps: WalkDeps, batcher: string, stream: ReadyStream): Promise<readonly Ref[]> {
  const { redis, ledger, log, metrics } = deps;
  const known = ledger.knownEntryIds(stream.shard, stream.lane);
  const { refs, malformed } = await sweepPending(redis, stream, batcher, (entryId) => known.has(entryId));
  const buried = await buryEntries(redis, stream, malformed);
  if (buried > 0) {
    log.error({ ...stream, buried }, "entries that cannot be read are dead letters now");
    metrics.buried(buried);
  }
  return refs;
}
