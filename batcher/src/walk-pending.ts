import {
  buryEntries,
  type Clock,
  lookUpRuns,
  type ReadyStream,
  type RedisClient,
  type Ref,
  sweepPending,
} from "@sluice/broker";
import type { Logger } from "pino";
import type { Ledger } from "./ledger.js";
import type { BatcherMetrics } from "./metrics.js";
import type { ServerClock } from "./server-clock.js";

/** So many runs are looked up at once: a script holds up everybody else. */
const LOOK_UP_PAGE = 500;

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
  const { open, stray } = await tellStray(redis, refs);
  const buried = await buryEntries(redis, stream, [...malformed, ...stray]);
  if (buried > 0) {
    log.error({ ...stream, buried }, "entries that cannot be read are dead letters now");
    metrics.buried(buried);
  }
  return open;
}

/**
 * An entry goes in the script that closes its run, so one that names a closed run was written by nobody of ours.
 * A shard that does not answer tells nothing: then the entry is taken for good.
 */
async function tellStray(
  redis: RedisClient,
  refs: readonly Ref[],
): Promise<{ readonly open: readonly Ref[]; readonly stray: readonly string[] }> {
  const open: Ref[] = [];
  const stray: string[] = [];
  for (let from = 0; from < refs.length; from += LOOK_UP_PAGE) {
    const page = refs.slice(from, from + LOOK_UP_PAGE);
    const replies = await lookUpRuns(redis, page);
    page.forEach((ref, i) => {
      const reply = replies[i];
      if (reply && !(reply instanceof Error) && reply.kind === "closed") stray.push(ref.entryId);
      else open.push(ref);
    });
  }
  return { open, stray };
}
