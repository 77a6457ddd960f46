import { dropLane, joinZones, type KnownZones, listLanes, parseLane, readNew, type ReadyStream } from "@sluice/broker";
import type { LaneDirectory } from "./lane-directory.js";
import type { Ownership } from "./ownership.js";
import { type WalkDeps, walkPending } from "./walk-pending.js";

/** Most runs of one such lane in memory. Whoever waits behind them is read as they end. */
const MAX_IN_MEMORY = 10_000;

/** What serving leftovers needs. */
export interface LeftoverDeps extends WalkDeps {
  /** Whose lanes are looked after here. */
  readonly zone: string;
  readonly zones: Pick<KnownZones, "all">;
  readonly lanes: LaneDirectory;
  readonly ownership: Ownership;
}

/**
 * Serves what lies in the ready streams of a shard whose model or version is not registered any more: its references
 * are listed like all others, so that they are published if the model is still known, and expire in any case. A
 * stream in which nothing is left is taken away.
 * @returns how many runs were not known before.
 */
export async function serveLeftovers(deps: LeftoverDeps, batcher: string, shard: number): Promise<number> {
  const served = new Set(deps.lanes.lanes().map((lane) => lane.name));
  let found = 0;
  for (const lane of await listLanes(deps.redis, shard)) {
    // A name that is none belongs to nobody, and is looked at by all.
    const zone = parseLane(lane)?.zone ?? deps.zone;
    if (zone !== deps.zone) {
      // The list lies on another server than the lane, and may have lost what was written last.
      if (!deps.zones.all().includes(zone) && !(await dropLane(deps.redis, { shard, lane }))) {
        await joinZones(deps.redis, [zone]);
      }
      continue;
    }
    if (served.has(lane) || (await dropLane(deps.redis, { shard, lane }))) continue;
    found += await listLeftover(deps, batcher, { shard, lane });
  }
  return found;
}

async function listLeftover(deps: LeftoverDeps, batcher: string, stream: ReadyStream): Promise<number> {
  const { redis, clock, serverClock, log, ledger, ownership } = deps;
  const { shard, lane } = stream;
  const pending = await walkPending(deps, batcher, stream);
  const room = MAX_IN_MEMORY - ledger.countOf(lane) - pending.length;
  const fresh = room > 0 && ownership.owns(shard) ? await readNew(redis, stream, batcher, room) : [];
  if (!ownership.owns(shard)) return 0;
  const found = ledger.list([...pending, ...fresh], clock.monotonicMs(), serverClock.nowMs());
  if (found > 0) log.warn({ shard, lane, found }, "work in a lane that no registered model has");
  return found;
}
