import {
  type AdmitReply,
  admitTask,
  type AdmitRequest,
  BrokerError,
  type ConfirmedWrites,
  formatLane,
  type Lane,
  type LiveSettings,
  type ModelDefinition,
  type Settings,
  wasNotCarriedOut,
} from "@sluice/broker";
import type { ApiMetrics } from "../metrics.js";
import type { CacheWord } from "../views/task-view.js";
import type { LoadWatch } from "./load-watch.js";
import type { MemoryWatch } from "./memory-watch.js";
import { type Order, type PlannedTask, ttlMsOf } from "./plan-task.js";
import type { PoolWatch } from "./pool-watch.js";
import type { TaskBlobs } from "./task-blobs.js";

/** Inputs up to here lie in Redis with their run. */
export const MAX_INLINE_BYTES = 64 * 1024;
/** Pauses before an admission whose outcome is unknown is repeated: a cut connection is back within the first two. */
export const REPEAT_AFTER_MS = [100, 400, 1_000];

/** A prediction is known to a tenth: of tasks that would end just at their deadlines half would be late. */
const CAUTION = 1.1;

/** What admission needs. */
export interface AdmitDeps {
  readonly writes: Pick<ConfirmedWrites, "run">;
  readonly settings: Pick<LiveSettings, "current">;
  readonly pools: Pick<PoolWatch, "isDeserted">;
  readonly loads: Pick<LoadWatch, "expectedWaitMs" | "mostPerShard" | "saw">;
  readonly memory: Pick<MemoryWatch, "use">;
  readonly blobs: Pick<TaskBlobs, "put" | "drop">;
  readonly metrics: ApiMetrics;
}

/** A task that is admitted. */
export interface AdmittedTask {
  readonly runId: string;
  /** Undefined where a repeated admission cannot tell. */
  readonly cache: CacheWord | undefined;
}

/**
 * Admits a planned task. After a refusal nothing of it is left, except after `durability-unconfirmed` (unless it was
 * never sent): then it may have been admitted, and repeating it with the same task id is safe.
 * @param release gives the Idempotency-Key back that names this task, and says whether nobody else has its id: another
 * request that took the key over may need the blob, which is then left to the sweeper. Absent if there is no key.
 * @throws BrokerError no-workers | storage-full | deadline-unattainable | queue-full | storage-unavailable | durability-unconfirmed
 */
export async function admitOrder(
  deps: AdmitDeps,
  order: Order,
  task: PlannedTask,
  release: () => Promise<boolean> = alwaysAlone,
): Promise<AdmittedTask> {
  const { model, row } = order;
  const inBlob = model.input.kind === "image" || row.byteLength > MAX_INLINE_BYTES;
  // No run is made then, so nobody would read the blob; one that is open or holds a result may still answer.
  const closed = whyClosed(deps, toWantedRun(deps, order, task));
  let admitted: Admitted;
  try {
    if (inBlob && !closed) await deps.blobs.put(task.taskId, Buffer.from(row.content));
    admitted = await requireAdmission(deps, order, task, { inBlob, closed });
  } catch (error) {
    deps.metrics.turnedAway(model.name, BrokerError.from(error, "internal", "a bug").code);
    const unconfirmed = error instanceof BrokerError && error.code === "durability-unconfirmed";
    const mayBeAdmitted = unconfirmed && !wasNotCarriedOut(error);
    if (!mayBeAdmitted && (await release()) && inBlob) await deps.blobs.drop(task.taskId);
    throw error;
  }
  // Whoever admits a task finds the same run; if that is another's, nobody needs this blob.
  if (inBlob && admitted.runId !== task.taskId) await deps.blobs.drop(task.taskId);
  const cache = toCacheWord(admitted.kind);
  deps.metrics.admitted(model.name, cache ?? "miss");
  return { runId: admitted.runId, cache };
}

/** A run that would be made. */
export interface WantedRun {
  readonly model: ModelDefinition;
  readonly lane: Lane;
  /** From now to its deadline. */
  readonly ttlMs: number;
}

/** Why no new run may be made; undefined if one may. */
export function whyClosed(
  { pools, loads, memory, settings }: Pick<AdmitDeps, "pools" | "loads" | "memory" | "settings">,
  { model, lane, ttlMs }: WantedRun,
): BrokerError | undefined {
  const { name, pool } = model;
  if (pools.isDeserted(pool)) return new BrokerError("no-workers", `no worker serves ${name} at the moment`);
  if (memory.use() > settings.current().forModel(name).backpressureRedisMemory) {
    return new BrokerError("storage-full", "Redis has no room for new work");
  }
  const overdueMs = CAUTION * loads.expectedWaitMs(formatLane(lane)) - ttlMs;
  return overdueMs <= 0 ? undefined : unattainable(model, overdueMs);
}

function toWantedRun({ settings }: Pick<AdmitDeps, "settings">, order: Order, { lane }: PlannedTask): WantedRun {
  const { model } = order;
  return { model, lane, ttlMs: ttlMsOf(order, settings.current().forModel(model.name)) };
}

function unattainable(model: ModelDefinition, retryAfterMs: number): BrokerError {
  const message = `so many tasks of ${model.name} wait that this one would miss its deadline`;
  return new BrokerError("deadline-unattainable", message, { details: { retryAfterMs } });
}

type Admitted = Exclude<AdmitReply, { kind: "full" }>;

const alwaysAlone = (): Promise<boolean> => Promise.resolve(true);

/** One admission, repeated until its outcome is known: the same task id is never admitted twice. */
async function requireAdmission(
  deps: AdmitDeps,
  order: Order,
  task: PlannedTask,
  { inBlob, closed }: { readonly inBlob: boolean; readonly closed: BrokerError | undefined },
): Promise<Admitted> {
  const own = deps.settings.current().forModel(order.model.name);
  const lane = formatLane(task.lane);
  const ttlMs = ttlMsOf(order, own);
  // A queue without room refuses new runs only.
  const room = closed ? 0 : deps.loads.mostPerShard(lane, ttlMs / CAUTION);
  const settings = room < own.queueMaxDepthPerShard ? { ...own, queueMaxDepthPerShard: room } : own;
  const request = toRequest(order, task, { inBlob, ttlMs });
  let reply: AdmitReply;
  try {
    reply = await admitOnce(deps, request, settings);
  } catch (error) {
    if (wasNotCarriedOut(error)) throw error;
    reply = await repeatAdmission(deps, request, settings, error);
  }
  const depth = depthIn(reply, settings);
  if (depth !== undefined) deps.loads.saw(lane, task.digest.shard, depth);
  if (reply.kind !== "full") return reply;
  if (depth !== undefined && closed) throw closed;
  if (depth !== undefined && settings !== own) throw unattainable(order.model, ttlMs * (depth / room - 1));
  throw new BrokerError("queue-full", "as many tasks wait as the queue may hold");
}

/** Open runs of the lane in its shard; undefined where the reply does not tell, or tells the tasks of one run. */
function depthIn(reply: AdmitReply, { queueMaxDepthPerShard }: Settings): number | undefined {
  if (reply.kind === "created") return reply.depth;
  return reply.kind === "full" && reply.limit === queueMaxDepthPerShard ? reply.depth : undefined;
}

/** @throws BrokerError durability-unconfirmed, or what Redis did not carry out */
function admitOnce({ writes }: AdmitDeps, request: AdmitRequest, settings: Settings): Promise<AdmitReply> {
  return writes.run(request.digest.shard, (redis) => admitTask(redis, request, settings));
}

async function repeatAdmission(
  deps: AdmitDeps,
  request: AdmitRequest,
  settings: Settings,
  failure: unknown,
): Promise<AdmitReply> {
  let last = failure;
  for (const pauseMs of REPEAT_AFTER_MS) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      return await admitOnce(deps, request, settings);
    } catch (error) {
      last = error;
    }
  }
  throw new BrokerError("durability-unconfirmed", "the outcome of an admission is unknown", { cause: last });
}

function toRequest(
  { owner, model, row }: Order,
  { taskId, lane, digest }: PlannedTask,
  options: { readonly inBlob: boolean; readonly ttlMs: number },
): AdmitRequest {
  return {
    taskId,
    owner,
    lane,
    digest,
    signature: row.signature,
    ttlMs: options.ttlMs,
    input: options.inBlob ? { kind: "blob", blobId: taskId } : { kind: "input", bytes: row.content },
    ...(model.cacheTtlS === undefined ? {} : { cacheTtlS: model.cacheTtlS }),
  };
}

function toCacheWord(kind: "created" | "joined" | "kept" | "again"): CacheWord | undefined {
  if (kind === "again") return undefined;
  return kind === "created" ? "miss" : kind === "joined" ? "joined" : "hit";
}
