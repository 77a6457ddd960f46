import { z } from "zod";
import { BrokerError } from "../errors.js";
import { SHARD_COUNT } from "../keys.js";

/** A decimal number, for `Number` would take an empty text for 0. */
const number = z
  .string()
  .regex(/^-?\d+(?:\.\d+)?$/, "must be a number")
  .transform(Number);
const count = (min: number, max: number) => number.pipe(z.int().min(min).max(max));
const amount = (min: number, max: number) => number.pipe(z.number().min(min).max(max));

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
  "batch.thrift": amount(0, 100).default(0),
  /** Deadline of a task that names none, in seconds. */
  "queue.ttl_s": count(1, 86_400).default(60),
  /** Most tasks that wait in the whole queue of a lane; above it submissions are refused. */
  "queue.max_depth": count(SHARD_COUNT, 10_000_000).default(100_000),
  /** Part of `maxmemory` above which new runs are refused, so that results can always be written. */
  "backpressure.redis_memory": amount(0.1, 1).default(0.75),
  /** Part of the time that a GPU may compute before its endpoint gets fewer batches at once. 1: all of it. */
  "backpressure.gpu_utilization": amount(0.1, 1).default(0.9),
  /** Part of a GPU's memory that may be taken before its endpoint gets fewer batches at once. 1: all of it. */
  "backpressure.gpu_memory": amount(0.1, 1).default(0.9),
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
  /** A task that has waited so long in its zone may run in another one. 0: only while its own has no worker. */
  "zone.spill_after_ms": count(0, 600_000).default(2_000),
  /** Requests that a caller may make in a minute, where identity is on. 0: as many as it likes. */
  "limits.requests_per_minute": count(0, 100_000_000).default(1_000),
  /** Requests of one caller that may wait for results at one api, where identity is on. 0: as many as it likes. */
  "limits.waits_per_caller": count(0, 1_000_000).default(1_000),
  /** Batches that may wait in the pool for each worker slot. */
  prefetch: count(0, 16).default(1),
} as const;

/** A key of `sluice:config`. */
export type SettingName = keyof typeof SETTINGS;

/** All of them, in the order in which they are shown. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** What pools and endpoints go by, which models share. */
const FOR_ALL_ONLY: readonly SettingName[] = [
  "backpressure.gpu_utilization",
  "backpressure.gpu_memory",
  "limits.requests_per_minute",
  "limits.waits_per_caller",
  "prefetch",
];

/** Whether models may have this setting of their own. */
export function mayBeOwn(name: SettingName): boolean {
  return !FOR_ALL_ONLY.includes(name);
}

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
  readonly zoneSpillAfterMs: number;
  readonly limitsRequestsPerMinute: number;
  readonly limitsWaitsPerCaller: number;
  readonly prefetch: number;
}

/** Settings for all models, and those of models that have their own. */
export interface SettingsSet {
  readonly forAll: Settings;
  readonly forModel: (model: string) => Settings;
}

/** A field of `sluice:config`: a setting for all models, or for one. */
export interface SettingField {
  readonly name: SettingName;
  readonly model: string | undefined;
}

/** `KEY` or `model.NAME.KEY` -> what it sets; undefined if there is no such setting. */
export function parseSettingField(field: string): SettingField | undefined {
  const name = SETTING_NAMES.find((one) => field === one || (field.startsWith("model.") && field.endsWith(`.${one}`)));
  if (name === undefined || field === name) return name && { name, model: undefined };
  const model = field.slice("model.".length, -name.length - 1);
  if (!/^[a-z0-9][a-z0-9_.-]*$/.test(model) || !mayBeOwn(name)) return undefined;
  return { name, model };
}

/** The field of a setting, for one model or for all. */
export function formatSettingField({ name, model }: SettingField): string {
  return model === undefined ? name : `model.${model}.${name}`;
}

/** The value that holds for one model, or for all: the model's own, the common one, or the default. */
export function settingText(hash: Readonly<Record<string, string>>, { name, model }: SettingField): string {
  const own = model === undefined ? undefined : hash[formatSettingField({ name, model })];
  return own ?? hash[name] ?? String(SETTINGS[name].parse(undefined));
}

/** Something that is not allowed: by itself, or together with other settings. */
export interface SettingProblem {
  /** Those of the hash that have a part in it. */
  readonly fields: readonly string[];
  readonly reason: string;
}

/**
 * Reads the hash `sluice:config`. `model.NAME.KEY` overrides KEY for one model.
 * @throws BrokerError config-invalid that names every bad value and combination at once; `details` has the `problems`.
 */
export function parseSettings(hash: Readonly<Record<string, string>>): SettingsSet {
  const { set, problems: found } = readSettings(hash);
  if (found.length === 0) return set;
  const problems = found.map(({ reason }) => reason);
  throw new BrokerError("config-invalid", problems.join("; "), { details: { problems } });
}

/** Everything that `parseSettings` would refuse; nothing for a good set. */
export function findSettingProblems(hash: Readonly<Record<string, string>>): readonly SettingProblem[] {
  return readSettings(hash).problems;
}

function readSettings(hash: Readonly<Record<string, string>>): { set: SettingsSet; problems: SettingProblem[] } {
  const problems: SettingProblem[] = [];
  const values = new Map<string | undefined, Map<SettingName, string>>([[undefined, new Map()]]);
  for (const [field, value] of Object.entries(hash)) {
    const known = parseSettingField(field);
    if (known === undefined) problems.push({ fields: [field], reason: `${field}: no such setting` });
    else values.set(known.model, (values.get(known.model) ?? new Map<SettingName, string>()).set(known.name, value));
  }
  const common = values.get(undefined) ?? new Map<SettingName, string>();
  const sets = [...values].map(([model, own]) => [model, resolve({ model, own, common }, problems)] as const);
  const models = new Map(sets);
  const forAll = models.get(undefined) ?? resolve({ model: undefined, own: common, common }, problems);
  return { set: { forAll, forModel: (model) => models.get(model) ?? forAll }, problems };
}

/** All defaults. */
export const DEFAULT_SETTINGS: SettingsSet = parseSettings({});

/** What is not allowed of the model's own is added to `problems`; what it inherits was found before. */
function resolve(
  values: {
    readonly model: string | undefined;
    readonly own: ReadonlyMap<SettingName, string>;
    readonly common: ReadonlyMap<SettingName, string>;
  },
  problems: SettingProblem[],
): Settings {
  const { model, own, common } = values;
  const fieldOf = (name: SettingName): string => formatSettingField({ name, model: own.has(name) ? model : undefined });
  const read = <Name extends SettingName>(name: Name): z.output<(typeof SETTINGS)[Name]> => {
    const result = SETTINGS[name].safeParse(own.get(name) ?? common.get(name));
    if (!result.success && (own.has(name) || model === undefined)) {
      const reason = `${fieldOf(name)}: ${result.error.issues[0]?.message ?? "not allowed"}`;
      problems.push({ fields: [fieldOf(name)], reason });
    }
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
    zoneSpillAfterMs: read("zone.spill_after_ms"),
    limitsRequestsPerMinute: read("limits.requests_per_minute"),
    limitsWaitsPerCaller: read("limits.waits_per_caller"),
    prefetch: read("prefetch"),
  };
  const [wait, ttl] = [fieldOf("batch.max_wait_ms"), fieldOf("queue.ttl_s")];
  const isOwn = own.has("batch.max_wait_ms") || own.has("queue.ttl_s");
  if (settings.batchMaxWaitMs >= settings.queueTtlS * 1_000 && (isOwn || model === undefined)) {
    const reason = `${wait} (${settings.batchMaxWaitMs}) must be below ${ttl} (${settings.queueTtlS})`;
    problems.push({ fields: [wait, ttl], reason });
  }
  return settings;
}
