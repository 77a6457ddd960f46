import type { KnownZones } from "@sluice/broker";
import type { LaneDirectory, ServedLane } from "../lane-directory.js";
import type { Ledger } from "../ledger.js";
import type { PoolCredits } from "../pool-credits.js";
import type { ServerClock } from "../server-clock.js";

/** What is to be known of a site. */
export type SiteCredits = Pick<PoolCredits, "total" | "knownAtMs" | "share">;

/** At which sites the work of a lane may run now. */
export interface Routes {
  mayRun(lane: ServedLane, site: string): boolean;
  /** Its own site; while that has no worker, or its work has waited too long there, all others as well. */
  sitesInUse(lane: ServedLane): readonly string[];
  /** Nobody is at its own site. */
  isDeserted(lane: ServedLane): boolean;
  /** Whether there is any other zone. */
  mayLeave(): boolean;
}

/**
 * Work stays in its zone. Another zone's workers take it while its own has none, or once the oldest of it has waited too
 * long since it was admitted: they compete for it with their own work, by credits, as batchers of one zone do.
 */
export function createRoutes(deps: {
  readonly lanes: Pick<LaneDirectory, "settingsOf">;
  readonly ledger: Pick<Ledger, "queues">;
  readonly zones: Pick<KnownZones, "all">;
  readonly serverClock: Pick<ServerClock, "nowMs">;
  /** Undefined for a site that is not followed yet. */
  readonly creditsOf: (site: string) => SiteCredits | undefined;
}): Routes {
  const isDeserted = ({ pool }: ServedLane): boolean => {
    const credits = deps.creditsOf(pool);
    return credits !== undefined && credits.knownAtMs > -Infinity && credits.total === 0;
  };
  const waitsTooLong = (lane: ServedLane): boolean => {
    const { zoneSpillAfterMs } = deps.lanes.settingsOf(lane);
    if (zoneSpillAfterMs === 0) return false;
    const queues = deps.ledger.queues().filter(({ kind }) => kind.lane === lane.name);
    const oldestMs = Math.min(...queues.map(({ oldestAdmittedMs }) => oldestAdmittedMs));
    return deps.serverClock.nowMs() - oldestMs > zoneSpillAfterMs;
  };
  const mayLeaveHome = (lane: ServedLane): boolean =>
    lane.otherSites.length > 0 && (isDeserted(lane) || waitsTooLong(lane));
  return {
    mayRun: (lane, site) => site === lane.pool || (lane.otherSites.includes(site) && mayLeaveHome(lane)),
    sitesInUse: (lane) => (mayLeaveHome(lane) ? [lane.pool, ...lane.otherSites] : [lane.pool]),
    isDeserted,
    mayLeave: () => deps.zones.all().length > 1,
  };
}
