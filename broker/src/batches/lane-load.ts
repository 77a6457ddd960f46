import { BrokerError } from "../errors.js";
import { keys } from "../keys.js";
import { packList, unpackList } from "../msgpack-list.js";
import type { RedisClient } from "../redis/connect.js";
import { zoneOfSite } from "../zones/site.js";

/** What one batcher says of a lane: how much work is open, and how fast the pool gets through it. */
export interface LaneLoad {
  readonly lane: string;
  /** Runs that are open on the batcher's shards: waiting, and out with workers. */
  readonly openRuns: number;
  /** How long a batch of one row takes. */
  readonly oneMs: number;
  /** Rows of a full batch, and how long one takes. */
  readonly fullRows: number;
  readonly fullMs: number;
  /** Worker slots of the whole pool, those with which the times were measured: not always a whole number. */
  readonly slots: number;
}

const VERSION = 2;
/** A batcher that has been silent for so long has lost its shards, or soon will. */
const KEEP_MS = 3_000;

/** Says how busy these lanes of a pool are, in place of what this batcher said before. @throws BrokerError storage-unavailable */
export async function tellLaneLoads(
  redis: RedisClient,
  from: { readonly pool: string; readonly batcher: string },
  loads: readonly LaneLoad[],
): Promise<void> {
  try {
    await redis.set(keys.load(from.pool, from.batcher), encodeLaneLoads(loads), "PX", KEEP_MS);
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the load of a pool could not be told");
  }
}

/**
 * What all live batchers say of a pool's lanes, by lane; open runs are added up.
 * @param zones of the batchers: those of another zone say what they leave to this pool.
 * @throws BrokerError storage-unavailable
 */
export async function readLaneLoads(
  redis: RedisClient,
  pool: string,
  zones: readonly string[] = [zoneOfSite(pool)],
): Promise<ReadonlyMap<string, LaneLoad>> {
  const sum = new Map<string, LaneLoad>();
  try {
    const ofZones = await Promise.all(zones.map((zone) => redis.zrange(keys.batchers(zone), "0", "-1")));
    const batchers = ofZones.flat();
    if (batchers.length === 0) return sum;
    const values = await redis.mgetBuffer(batchers.map((batcher) => keys.load(pool, batcher)));
    for (const load of values.flatMap((bytes) => (bytes === null ? [] : decodeLaneLoads(bytes)))) {
      const known = sum.get(load.lane);
      sum.set(load.lane, known ? { ...load, openRuns: known.openRuns + load.openRuns } : load);
    }
  } catch (error) {
    throw BrokerError.from(error, "storage-unavailable", "the load of a pool could not be read");
  }
  return sum;
}

/** Loads -> msgpack array. */
export function encodeLaneLoads(loads: readonly LaneLoad[]): Buffer {
  return packList([
    VERSION,
    loads.map(({ lane, openRuns, oneMs, fullRows, fullMs, slots }) => [lane, openRuns, oneMs, fullRows, fullMs, slots]),
  ]);
}

/** msgpack -> loads; none for bytes of another version, or that nobody of ours has written. */
export function decodeLaneLoads(bytes: Uint8Array): LaneLoad[] {
  const list = unpackList(bytes);
  if (list?.[0] !== VERSION || !Array.isArray(list[1])) return [];
  return (list[1] as unknown[]).flatMap((row) => {
    if (!Array.isArray(row)) return [];
    const [lane, openRuns, oneMs, fullRows, fullMs, slots] = row as unknown[];
    if (typeof lane !== "string" || ![openRuns, oneMs, fullRows, fullMs, slots].every(isAmount)) return [];
    return [{ lane, openRuns, oneMs, fullRows, fullMs, slots } as LaneLoad];
  });
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
