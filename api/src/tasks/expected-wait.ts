import { type LaneLoad, parseLane } from "@sluice/broker";

/** What batchers tell of all lanes of one pool, by lane. */
export type PoolLoads = ReadonlyMap<string, LaneLoad>;

/**
 * How long a run that is admitted to a lane now will take until it is done, milliseconds: all slots of the pool do what
 * is before it in full batches, and it rides in the last batch of its lane. `bulk` work stands back behind `now`, and
 * does not count there. 0 where nothing is known of the lane, and where nothing is before it: a pool with nothing else
 * to do tries, or it would never be found out that a model that was slow is fast again.
 * @param openRuns of this lane, as they are now.
 */
export function expectedWaitMs(lane: string, loads: PoolLoads, openRuns: number): number {
  const own = knownLoad(lane, loads);
  if (own === undefined) return 0;
  const others = lanesBeside(lane, loads);
  if (openRuns + others.reduce((sum, load) => sum + load.openRuns, 0) === 0) return 0;
  const waitMs = (workMsOf(own, openRuns + 1) + workMsOfAll(others)) / own.slots;
  return Math.max(batchMs(own, Math.min(openRuns + 1, own.fullRows)), waitMs);
}

/**
 * The other way round: how many runs may be open in a lane, in full batches, for all of them to be done within this
 * time. Infinity where nothing is known of the lane.
 */
export function mostOpenRuns(lane: string, loads: PoolLoads, withinMs: number): number {
  const own = knownLoad(lane, loads);
  if (own === undefined) return Infinity;
  const ownMs = withinMs * own.slots - workMsOfAll(lanesBeside(lane, loads));
  return Math.max(0, Math.floor(ownMs / own.fullMs) * own.fullRows);
}

/** The loads of several sites as one: a lane whose work may run at all of them has the slots of all. */
export function joinLoads(sites: readonly PoolLoads[]): PoolLoads {
  const [only, ...others] = sites;
  if (only !== undefined && others.length === 0) return only;
  const joined = new Map<string, LaneLoad>();
  for (const load of sites.flatMap((loads) => [...loads.values()])) {
    const known = joined.get(load.lane) ?? { openRuns: 0, slots: 0 };
    joined.set(load.lane, { ...load, openRuns: known.openRuns + load.openRuns, slots: known.slots + load.slots });
  }
  return joined;
}

function knownLoad(lane: string, loads: PoolLoads): LaneLoad | undefined {
  const own = loads.get(lane);
  return own === undefined || own.fullRows < 1 || own.slots < 1 ? undefined : own;
}

/** All others that this lane does not stand before. */
function lanesBeside(lane: string, loads: PoolLoads): LaneLoad[] {
  const isBulk = parseLane(lane)?.batchClass === "bulk";
  return [...loads.values()].filter(
    (load) => load.lane !== lane && load.fullRows >= 1 && (isBulk || parseLane(load.lane)?.batchClass === "now"),
  );
}

function workMsOfAll(lanes: readonly LaneLoad[]): number {
  return lanes.reduce((sum, load) => sum + workMsOf(load, load.openRuns), 0);
}

/** Slot time for so many runs of a lane: full batches, and one with what remains. */
function workMsOf(load: LaneLoad, runs: number): number {
  const fullBatches = Math.floor(runs / load.fullRows);
  const rest = runs - fullBatches * load.fullRows;
  return fullBatches * load.fullMs + (rest > 0 ? batchMs(load, rest) : 0);
}

/** On the straight line from a batch of one row to a full one. */
function batchMs({ oneMs, fullRows, fullMs }: LaneLoad, rows: number): number {
  return fullRows > 1 ? oneMs + ((fullMs - oneMs) * (rows - 1)) / (fullRows - 1) : fullMs;
}
