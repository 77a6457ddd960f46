import { type LaneLoad, parseLane } from "@sluice/broker";

/**
 * How long a run that is admitted to a lane now will take until it is done, milliseconds: all slots of the pool do what
 * is before it in full batches, and it rides in the last batch of its lane. `bulk` work stands back behind `now`, and
 * does not count there. 0 where nothing is known of the lane, and where nothing is before it: a pool with nothing else
 * to do tries, or it would never be found out that a model that was slow is fast again.
 * @param loads of all lanes of the pool. @param admittedSince runs that came to the lane after the figures were taken.
 */
export function expectedWaitMs(lane: string, loads: ReadonlyMap<string, LaneLoad>, admittedSince: number): number {
  const own = loads.get(lane);
  if (own === undefined || own.fullRows < 1 || own.slots < 1) return 0;
  const isBulk = parseLane(lane)?.batchClass === "bulk";
  const others = [...loads.values()].filter(
    (load) => load !== own && load.fullRows >= 1 && (isBulk || parseLane(load.lane)?.batchClass === "now"),
  );
  const before = own.openRuns + admittedSince;
  if (before + others.reduce((sum, { openRuns }) => sum + openRuns, 0) === 0) return 0;
  const workMs = workMsOf(own, before + 1) + others.reduce((sum, load) => sum + workMsOf(load, load.openRuns), 0);
  return Math.max(batchMs(own, Math.min(before + 1, own.fullRows)), workMs / own.slots);
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
