import {
  type BatchClass,
  type Clock,
  formatLane,
  type KnownZones,
  type LiveSettings,
  type ModelDefinition,
  type ModelRegistry,
  parseLane,
  type Settings,
  siteOf,
} from "@sluice/broker";

/** Both classes of every model. */
const CLASSES: readonly BatchClass[] = ["now", "bulk"];

/** One lane that is served, and what its model says about it. */
export interface ServedLane {
  readonly name: string;
  readonly model: string;
  readonly batchClass: BatchClass;
  /** Its model's pool in its zone, see `siteOf`. */
  readonly pool: string;
  /** The same pool in other zones: only where it may leave its own, see `createRoutes`. */
  readonly otherSites: readonly string[];
  /** The largest batch that the model takes. */
  readonly modelMaxSize: number;
}

/** Which lanes there are, and how each is to be batched now. */
export interface LaneDirectory {
  /** Looks at the registered models again. */
  refresh(): void;
  /** The lanes of registered models: they are read as soon as something arrives. */
  lanes(): readonly ServedLane[];
  /**
   * How a lane is to be batched: also one of a version that is gone, as its model says now. Undefined if nobody knows
   * its model: then its runs wait for the model to come back, or for their deadlines.
   */
  get(lane: string): ServedLane | undefined;
  /** All pools of all lanes, in this zone. */
  pools(): readonly string[];
  /** The same pools in all zones. */
  sites(): readonly string[];
  settingsOf(lane: ServedLane): Settings;
  /** Most rows in one batch: what the settings say, but never more than the model takes. */
  maxSizeOf(lane: ServedLane): number;
}

/** Work that came in while the news of a model's end was on its way is still read at once. */
const LINGER_MS = 10_000;

/**
 * Follows the registered models, for one zone. What lies in the zone's lanes of others is served as well, see
 * `serveLeftovers`.
 */
export function createLaneDirectory(deps: {
  readonly zone: string;
  readonly zones: Pick<KnownZones, "all">;
  readonly models: ModelRegistry;
  readonly settings: LiveSettings;
  readonly clock: Clock;
}): LaneDirectory {
  const known = new Map<string, { readonly lane: ServedLane; readonly lastSeenMs: number }>();
  let lanes: readonly ServedLane[] = [];
  const { zone, zones, models } = deps;
  const serve = (name: string, batchClass: BatchClass, model: ModelDefinition): ServedLane => ({
    name,
    model: model.name,
    batchClass,
    pool: siteOf(model.pool, zone),
    otherSites: zones.all().flatMap((other) => (other === zone ? [] : siteOf(model.pool, other))),
    modelMaxSize: model.maxBatchSize,
  });
  const lanesOf = (model: ModelDefinition): ServedLane[] =>
    CLASSES.map((batchClass) => {
      const { name, version } = model;
      return serve(formatLane({ model: name, version, zone, batchClass }), batchClass, model);
    });
  const laneOfOtherVersion = (name: string): ServedLane | undefined => {
    const lane = parseLane(name);
    const model = lane?.zone === zone ? models.get(lane.model) : undefined;
    return lane && model && serve(name, lane.batchClass, model);
  };
  const settingsOf = (lane: ServedLane): Settings => deps.settings.current().forModel(lane.model);
  return {
    refresh() {
      const nowMs = deps.clock.monotonicMs();
      for (const lane of models.all().flatMap(lanesOf)) known.set(lane.name, { lane, lastSeenMs: nowMs });
      for (const { lane, lastSeenMs } of [...known.values()]) {
        if (nowMs - lastSeenMs > LINGER_MS) known.delete(lane.name);
      }
      lanes = [...known.values()].map((entry) => entry.lane);
    },
    lanes: () => lanes,
    get: (lane) => known.get(lane)?.lane ?? laneOfOtherVersion(lane),
    pools: () => [...new Set(lanes.map((lane) => lane.pool))],
    sites: () => [...new Set(lanes.flatMap((lane) => [lane.pool, ...lane.otherSites]))],
    settingsOf,
    maxSizeOf: (lane) => Math.min(settingsOf(lane).batchMaxSize, lane.modelMaxSize),
  };
}
