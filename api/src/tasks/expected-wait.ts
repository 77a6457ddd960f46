import { type LaneLoad, parseLane } from "@sluice/broker";

/**
 * How long a run that is admitted to a lane now will take until it is done, milliseconds: everything before it is done
 * in full batches by all slots of the pool, and it rides in the last batch of its lane. `bulk` work stands back behind
 * `now`, and does not count there. 0 where nothing is known of the lane.
 * @param loads of all lanes of the pool. @param admittedSince runs that came to the lane after the figures were taken.
 */
export function expectedWaitMs(lane: string, loads: ReadonlyMap<string, LaneLoad>, admittedSince: number): number {
  const own = loads.get(lane);
  if (own === undefined || own.fullRows < 1 || own.slots < 1) return 0;
  const isBulk = parseLane(lane)?.batchClass === "bulk";
  const others = [...loads.values()].filter(
    (load) => load !== own && load.fullRows >= 1 && (isBulk || parseLane(load.lane)?.batchClass === "now"),
  );
  const workMs = workMsOf(own, admittedSince + 1) + others.reduce((sum, load) => sum + workMsOf(load, 0), 0);
  return Math.max(own.fullMs, workMs / own.slots);
}

/** Slot time for all open runs of a lane and some more. */
function workMsOf({ openRuns, fullRows, fullMs }: LaneLoad, more: number): number {
  return Math.ceil((openRuns + more) / fullRows) * fullMs;
}
