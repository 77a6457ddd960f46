import {
  type BatchClass,
  type Clock,
  DEFAULT_ZONE,
  formatLane,
  type LiveSettings,
  type ModelDefinition,
  type ModelRegistry,
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
  lanes(): readonly ServedLane[];
  get(lane: string): ServedLane | undefined;
  /** All pools of all lanes. */
  pools(): readonly string[];
  settingsOf(lane: ServedLane): Settings;
  /** Most rows in one batch: what the settings say, but never more than the model takes. */
  maxSizeOf(lane: ServedLane): number;
}

/**
 * Follows the registered models. A lane whose model or version is gone is served on for as long as a task of it may
 * wait, for its entries lie in streams that nobody else reads.
 */
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
      for (const [name, { lane, lastSeenMs }] of known) {
        if (nowMs - lastSeenMs > settingsOf(lane).queueTtlS * 1_000) known.delete(name);
      }
      lanes = [...known.values()].map((entry) => entry.lane);
    },
    lanes: () => lanes,
    get: (lane) => known.get(lane)?.lane,
    pools: () => [...new Set(lanes.map((lane) => lane.pool))],
    settingsOf,
    maxSizeOf: (lane) => Math.min(settingsOf(lane).batchMaxSize, lane.modelMaxSize),
  };
}

function lanesOfModel(model: ModelDefinition): ServedLane[] {
  return CLASSES.map((batchClass) => ({
    name: formatLane({ model: model.name, version: model.version, zone: DEFAULT_ZONE, batchClass }),
    model: model.name,
    batchClass,
    pool: model.pool,
    modelMaxSize: model.maxBatchSize,
  }));
}
