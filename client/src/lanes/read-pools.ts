import {
  type Clock,
  type LaneLoad,
  type LaneReport,
  type LearnedTime,
  learnedTimesOf,
  type ModelRegistry,
  parseLane,
  parseSettings,
  readLaneLoads,
  readLaneReports,
  readLearnedTimes,
  readPoolUse,
  readSettingsState,
  readZones,
  type RedisClient,
  siteOf,
} from "@sluice/broker";

/** A pool in one zone, and its lanes, at one moment. */
export interface PoolView {
  /** `POOL`, in other zones than `local` `POOL@ZONE`. */
  readonly pool: string;
  readonly liveSlots: number;
  readonly credits: { readonly free: number; readonly total: number };
  /** In order of their names. */
  readonly lanes: readonly LaneView[];
}

/** A lane at one moment. */
export interface LaneView {
  readonly report: LaneReport;
  /** The part of all slots of its pool that its arrivals keep busy; undefined while service times are not known. */
  readonly load: number | undefined;
  /** What all batchers have learned about its batches, small ones first. */
  readonly learned: readonly LearnedTime[];
  readonly learnedAgeMs: number | undefined;
}

/** Reads everything that the batchers tell about all pools. @throws BrokerError storage-unavailable */
export async function readPools(deps: {
  readonly redis: RedisClient;
  readonly models: Pick<ModelRegistry, "all">;
  readonly clock: Clock;
}): Promise<PoolView[]> {
  const { redis, models, clock } = deps;
  const { inForce } = await readSettingsState(redis);
  const { prefetch } = parseSettings(inForce).forAll;
  const learned = await readLearnedTimes(redis);
  const laneOf = (report: LaneReport, load: LaneLoad | undefined): LaneView => {
    const lane = parseLane(report.lane);
    const known = lane && learned.get(learnedTimesOf(lane));
    const learnedAgeMs = known && Math.max(0, clock.epochMs() - known.writtenMs);
    return { report, load: loadOf(report, load), learned: known?.times ?? [], learnedAgeMs };
  };
  const zones = await readZones(redis);
  const pools = [...new Set(models.all().flatMap(({ pool }) => zones.map((zone) => siteOf(pool, zone))))].sort();
  return await Promise.all(
    pools.map(async (pool) => {
      const [use, reports, loads] = await Promise.all([
        readPoolUse(redis, pool),
        readLaneReports(redis, pool),
        readLaneLoads(redis, pool),
      ]);
      const total = use.liveSlots * (1 + prefetch);
      const lanes = [...reports.values()].sort((a, b) => (a.lane < b.lane ? -1 : 1));
      return {
        pool,
        liveSlots: use.liveSlots,
        credits: { free: Math.max(0, total - use.used), total },
        lanes: lanes.map((report) => laneOf(report, loads.get(report.lane))),
      };
    }),
  );
}

/** Seconds of slots that a second of arrivals takes in full batches. */
function loadOf({ arrivalsPerS }: LaneReport, load: LaneLoad | undefined): number | undefined {
  if (load === undefined || load.slots < 1 || load.fullRows < 1) return undefined;
  return (arrivalsPerS * load.fullMs) / 1_000 / load.fullRows / load.slots;
}
