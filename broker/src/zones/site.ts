import { DEFAULT_ZONE } from "../lane.js";

/**
 * The workers of a pool in one zone, with what lies before them in Redis: `POOL`, in other zones than `local`
 * `POOL@ZONE`. Whoever has one zone only, and no name for it, has pools.
 */
export function siteOf(pool: string, zone: string): string {
  return zone === DEFAULT_ZONE ? pool : `${pool}@${zone}`;
}

/** The zone of a site. Names of pools and zones have no `@`. */
export function zoneOfSite(site: string): string {
  return site.split("@")[1] ?? DEFAULT_ZONE;
}
