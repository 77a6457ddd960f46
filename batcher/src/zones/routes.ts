import type { Clock, KnownZones } from "@sluice/broker";
import type { LaneDirectory, ServedLane } from "../lane-directory.js";
import type { PoolCredits } from "../pool-credits.js";

/** What is to be known of a site. */
export type SiteCredits = Pick<PoolCredits, "total" | "knownAtMs" | "share">;

/** At which sites the work of a lane may run now. */
export interface Routes {
  /** @param oldestArrivedMs when the first of what waits together arrived, monotonic milliseconds. */
  mayRun(lane: ServedLane, site: string, oldestArrivedMs: number): boolean;
  /** Its own site; while that has no worker, all others. */
  sitesInUse(lane: ServedLane): readonly string[];
  /** Whether there is any other zone. */
  mayLeave(): boolean;
}

/**
 * Work stays in its zone. Another zone's workers take it while its own has none, or once it has waited too long there:
 * they compete for it with their own work, by credits, as batchers of one zone do.
 */
export function createRoutes(deps: {
  readonly lanes: Pick<LaneDirectory, "settingsOf">;
  readonly zones: Pick<KnownZones, "all">;
  readonly clock: Clock;
  /** Undefined for a site that is not followed yet. */
  readonly creditsOf: (site: string) => SiteCredits | undefined;
}): Routes {
  const isDeserted = (site: string): boolean => {
    const credits = deps.creditsOf(site);
    return credits !== undefined && credits.knownAtMs > -Infinity && credits.total === 0;
  };
  return {
    mayRun(lane, site, oldestArrivedMs) {
      if (site === lane.pool) return true;
      if (!lane.otherSites.includes(site)) return false;
      const { zoneSpillAfterMs } = deps.lanes.settingsOf(lane);
      const waitedMs = deps.clock.monotonicMs() - oldestArrivedMs;
      return isDeserted(lane.pool) || (zoneSpillAfterMs > 0 && waitedMs > zoneSpillAfterMs);
    },
    mayLeave: () => deps.zones.all().length > 1,
    sitesInUse: (lane) => (isDeserted(lane.pool) ? [lane.pool, ...lane.otherSites] : [lane.pool]),
  };
}
