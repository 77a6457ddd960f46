import { z } from "zod";
import { BrokerError } from "../errors.js";
import { SHARD_COUNT } from "../keys.js";

const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Every live setting: its name in `sluice:config`, what it may be, and its default. */
const SETTINGS = {
  /** `fixed`: leave at max_size, or max_wait_ms after the first. `adaptive`: wait only while waiting pays. */
  "batch.mode": z.enum(["fixed", "adaptive"]).default("adaptive"),
  /** Most tasks in one batch. Larger = better use of the GPU, up to the model's knee. */
  "batch.max_size": count(1, 4096).default(64),
  /** Longest wait for a batch to fill, from its first task. Lower = less latency, emptier batches. */
  "batch.max_wait_ms": count(0, 60_000).default(50),
  /** What a task may take in all; adaptive batches are kept so small that it can be met. No task expires for it. */
  "batch.slo_ms": count(1, 600_000).default(500),
  /** What a second of the GPU is worth in seconds of requests: above 0, adaptive batches wait to save it. */
  "batch.thrift": z.coerce.number().min(0).max(100).default(0),
  /** Deadline of a task that names none, in seconds. */
  "queue.ttl_s": count(1, 86_400).default(60),
  /** Most tasks that wait in the whole queue of a lane; above it submissions are refused. */
  "queue.max_depth": count(SHARD_COUNT, 10_000_000).default(100_000),
  /** Part of `maxmemory` above which new runs are refused, so that results can always be written. */
  "backpressure.redis_memory": z.coerce.number().min(0.1).max(1).default(0.75),
  /** Part of the time that a GPU may compute before its endpoint gets fewer batches at once. 1: all of it. */
  "backpressure.gpu_utilization": z.coerce.number().min(0.1).max(1).default(0.9),
  /** Part of a GPU's memory that may be taken before its endpoint gets fewer batches at once. 1: all of it. */
  "backpressure.gpu_memory": z.coerce.number().min(0.1).max(1).default(0.9),
  /** Most tasks that may wait for one run. */
  "queue.max_twins": count(1, 1_000_000).default(10_000),
  /** For how long equal tasks share one run, in seconds. */
  "dedupe.ttl_s": count(0, 604_800).default(300),
  /** How long a result can be read, in seconds. */
  "result.ttl_s": count(1, 604_800).default(600),
  /** How long a result answers later equal tasks, in seconds, beyond the dedupe window. */
  "cache.ttl_s": count(0, 2_592_000).default(0),
  /** Tries of one inference call before the batch is given back, and of one input alone before it fails. */
  "retry.max_attempts": count(1, 10).default(3),
  /** First back-off between tries; it doubles, with full jitter. */
  "retry.base_ms": count(1, 60_000).default(50),
  /** How long a claimed run belongs to its worker. An inference call must end within it. */
  lease_ms: count(1_000, 600_000).default(15_000),
  /** Batches that may wait in the pool for each worker slot. */
  prefetch: count(0, 16).default(1),
} as const;

type SettingName = keyof typeof SETTINGS;

/** A complete, checked set of settings, for one model or for all. */
export interface Settings {
  readonly batchMode: "fixed" | "adaptive";
  readonly batchMaxSize: number;
  readonly batchMaxWaitMs: number;
  readonly batchSloMs: number;
  readonly batchThrift: number;
  readonly queueTtlS: number;
  readonly queueMaxDepthPerShard: number;
  readonly backpressureRedisMemory: number;
  readonly backpressureGpuUtilization: number;
  readonly backpressureGpuMemory: number;
  readonly queueMaxTwins: number;
  readonly dedupeTtlS: number;
  readonly resultTtlS: number;
  readonly cacheTtlS: number;
  readonly retryMaxAttempts: number;
  readonly retryBaseMs: number;
  readonly leaseMs: number;
  readonly prefetch: number;
}

/** Settings for all models, and those of models that have their own. */
export interface SettingsSet {
  readonly forAll: Settings;
  readonly forModel: (model: string) => Settings;
}

/**
 * Reads the hash `sluice:config`. `model.NAME.KEY` overrides KEY for one model.
 * @throws BrokerError config-invalid that names every bad value and combination at once.
 */
export function parseSettings(hash: Readonly<Record<string, string>>): SettingsSet {
  const problems: string[] = [];
  const common = new Map<string, string>();
  const overrides = new Map<string, Map<string, string>>();
  for (const [field, value] of Object.entries(hash)) {
    const own =
      /^model\.([a-z0-9][a-z0-9_.-]*?)\.((?:batch|queue|dedupe|result|cache|retry)\.\w+|lease_ms|prefetch)$/.exec(
        field,
      );
    const name = own?.[2] ?? field;
    if (!Object.hasOwn(SETTINGS, name)) problems.push(`${field}: no such setting`);
    else if (!own?.[1]) common.set(name, value);
    else overrides.set(own[1], (overrides.get(own[1]) ?? new Map<string, string>()).set(name, value));
  }
  const forAll = resolve(common, "", problems);
  const models = new Map<string, Settings>();
  for (const [model, own] of overrides)
    models.set(model, resolve(new Map([...common, ...own]), `model.${model}.`, problems));
  if (problems.length > 0) throw new BrokerError("config-invalid", problems.join("; "), { details: { problems } });
  return { forAll, forModel: (model) => models.get(model) ?? forAll };
}

/** All defaults. */
export const DEFAULT_SETTINGS: SettingsSet = parseSettings({});

function resolve(values: ReadonlyMap<string, string>, prefix: string, problems: string[]): Settings {
  const read = <Name extends SettingName>(name: Name): z.output<(typeof SETTINGS)[Name]> => {
    const result = SETTINGS[name].safeParse(values.get(name));
    if (!result.success) problems.push(`${prefix}${name}: ${result.error.issues[0]?.message ?? "not allowed"}`);
    return (result.success ? result.data : SETTINGS[name].parse(undefined)) as z.output<(typeof SETTINGS)[Name]>;
  };
  const settings: Settings = {
    batchMode: read("batch.mode"),
    batchMaxSize: read("batch.max_size"),
    batchMaxWaitMs: read("batch.max_wait_ms"),
    batchSloMs: read("batch.slo_ms"),
    batchThrift: read("batch.thrift"),
    queueTtlS: read("queue.ttl_s"),
    queueMaxDepthPerShard: Math.ceil(read("queue.max_depth") / SHARD_COUNT),
    backpressureRedisMemory: read("backpressure.redis_memory"),
    backpressureGpuUtilization: read("backpressure.gpu_utilization"),
    backpressureGpuMemory: read("backpressure.gpu_memory"),
    queueMaxTwins: read("queue.max_twins"),
    dedupeTtlS: read("dedupe.ttl_s"),
    resultTtlS: read("result.ttl_s"),
    cacheTtlS: read("cache.ttl_s"),
    retryMaxAttempts: read("retry.max_attempts"),
    retryBaseMs: read("retry.base_ms"),
    leaseMs: read("lease_ms"),
    prefetch: read("prefetch"),
  };
  if (settings.batchMaxWaitMs >= settings.queueTtlS * 1_000) {
    problems.push(
      `${prefix}batch.max_wait_ms (${settings.batchMaxWaitMs}) must be below queue.ttl_s (${settings.queueTtlS})`,
    );
  }
  return settings;
}
