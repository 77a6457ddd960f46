import {
  type BatchClass,
  type Clock,
  DEFAULT_ZONE,
  formatLane,
  type LiveSettings,
  type ModelDefinition,
  type ModelRegistry,
  parseLane,
  type Settings,
} from "@sluice/broker";

/** Both classes of every model. */
const CLASSES: readonly BatchClass[] = ["now", "bulk"];

/** One lane that is served, and what its model says about it. */
export interface ServedLane {
  readonly name: string;
  readonly model: string;
  readonly batchClass: BatchClass;
  readonly pool: string;
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
  /** All pools of all lanes. */
  pools(): readonly string[];
  settingsOf(lane: ServedLane): Settings;
  /** Most rows in one batch: what the settings say, but never more than the model takes. */
  maxSizeOf(lane: ServedLane): number;
}

/** Work that came in while the news of a model's end was on its way is still read at once. */
const LINGER_MS = 10_000;

/** Follows the registered models. What lies in the lanes of others is served as well, see `serveLeftovers`. */
export function createLaneDirectory(deps: {
  readonly models: ModelRegistry;
  readonly settings: LiveSettings;
  readonly clock: Clock;
}): LaneDirectory {
  const known = new Map<string, { readonly lane: ServedLane; readonly lastSeenMs: number }>();
  let lanes: readonly ServedLane[] = [];
  const settingsOf = (lane: ServedLane): Settings => deps.settings.current().forModel(lane.model);
  return {
    refresh() {
      const nowMs = deps.clock.monotonicMs();
      for (const lane of deps.models.all().flatMap(lanesOfModel)) known.set(lane.name, { lane, lastSeenMs: nowMs });
      for (const { lane, lastSeenMs } of [...known.values()]) {
        if (nowMs - lastSeenMs > LINGER_MS) known.delete(lane.name);
      }
      lanes = [...known.values()].map((entry) => entry.lane);
    },
    lanes: () => lanes,
    get: (lane) => known.get(lane)?.lane ?? laneOfOtherVersion(deps.models, lane),
    pools: () => [...new Set(lanes.map((lane) => lane.pool))],
    settingsOf,
    maxSizeOf: (lane) => Math.min(settingsOf(lane).batchMaxSize, lane.modelMaxSize),
  };
}

function lanesOfModel(model: ModelDefinition): ServedLane[] {
  return CLASSES.map((batchClass) => {
    const { name, version } = model;
    return serve(formatLane({ model: name, version, zone: DEFAULT_ZONE, batchClass }), batchClass, model);
  });
}

function laneOfOtherVersion(models: ModelRegistry, name: string): ServedLane | undefined {
  const lane = parseLane(name);
  const model = lane && models.get(lane.model);
  return model && serve(name, lane.batchClass, model);
}

function serve(name: string, batchClass: BatchClass, model: ModelDefinition): ServedLane {
  return { name, model: model.name, batchClass, pool: model.pool, modelMaxSize: model.maxBatchSize };
}
