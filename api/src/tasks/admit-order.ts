import {
  type AdmitReply,
  admitTask,
  type AdmitRequest,
  BrokerError,
  type LiveSettings,
  type RedisClient,
  type Settings,
  wasNotCarriedOut,
} from "@sluice/broker";
import type { ApiMetrics } from "../metrics.js";
import type { CacheWord } from "../views/task-view.js";
import type { Order, PlannedTask } from "./plan-task.js";
import type { PoolWatch } from "./pool-watch.js";
import type { TaskBlobs } from "./task-blobs.js";

/** Inputs up to here lie in Redis with their run. */
export const MAX_INLINE_BYTES = 64 * 1024;
/** Pauses before an admission whose outcome is unknown is repeated: a cut connection is back within the first two. */
const REPEAT_AFTER_MS = [100, 400, 1_000];

/** What admission needs. */
export interface AdmitDeps {
  readonly redis: RedisClient;
  readonly settings: Pick<LiveSettings, "current">;
  readonly pools: Pick<PoolWatch, "isDeserted">;
  readonly blobs: TaskBlobs;
  readonly metrics: ApiMetrics;
}

/** A task that is admitted. */
export interface AdmittedTask {
  readonly runId: string;
  /** Undefined where a repeated admission cannot tell. */
  readonly cache: CacheWord | undefined;
}

/**
 * Admits a planned task. After a refusal nothing of it is left, except after `durability-unconfirmed`: then it may
 * have been admitted, and repeating it with the same task id is safe.
 * @throws BrokerError no-workers | queue-full | storage-unavailable | durability-unconfirmed
 */
export async function admitOrder(deps: AdmitDeps, order: Order, task: PlannedTask): Promise<AdmittedTask> {
  const { model, row } = order;
  if (deps.pools.isDeserted(model.pool)) {
    throw new BrokerError("no-workers", `no worker serves ${model.name} at the moment`);
  }
  const inBlob = model.input.kind === "image" || row.byteLength > MAX_INLINE_BYTES;
  if (inBlob) await deps.blobs.put(task.taskId, Buffer.from(row.content));
  const settings = deps.settings.current().forModel(model.name);
  const request = toRequest(order, task, { inBlob, defaultTtlMs: settings.queueTtlS * 1_000 });
  let reply: AdmitReply;
  try {
    reply = await admitTask(deps.redis, request, settings);
  } catch (error) {
    reply = await repeatAdmission(deps, request, settings, error);
  }
  // The blob belongs to the run that it was written for; a task on another run, or on none, leaves it unneeded.
  if (inBlob && (reply.kind === "full" || reply.runId !== task.taskId)) await deps.blobs.drop(task.taskId);
  if (reply.kind === "full") throw new BrokerError("queue-full", "as many tasks wait as the queue may hold");
  const cache = toCacheWord(reply.kind);
  deps.metrics.admitted(model.name, cache ?? "miss");
  return { runId: reply.runId, cache };
}

/** Repeats an admission that failed until its outcome is known: the same task id is never admitted twice. */
async function repeatAdmission(
  deps: AdmitDeps,
  request: AdmitRequest,
  settings: Settings,
  failure: unknown,
): Promise<AdmitReply> {
  if (wasNotCarriedOut(failure)) {
    if (request.input.kind === "blob") await deps.blobs.drop(request.taskId);
    throw failure;
  }
  let last = failure;
  for (const pauseMs of REPEAT_AFTER_MS) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      return await admitTask(deps.redis, request, settings);
    } catch (error) {
      last = error;
    }
  }
  throw new BrokerError("durability-unconfirmed", "the outcome of an admission is unknown", { cause: last });
}

function toRequest(
  { submission, owner, model, row }: Order,
  { taskId, lane, digest }: PlannedTask,
  options: { readonly inBlob: boolean; readonly defaultTtlMs: number },
): AdmitRequest {
  return {
    taskId,
    owner,
    lane,
    digest,
    signature: row.signature,
    ttlMs: submission.deadlineMs ?? options.defaultTtlMs,
    input: options.inBlob ? { kind: "blob", blobId: taskId } : { kind: "input", bytes: row.content },
    ...(model.cacheTtlS === undefined ? {} : { cacheTtlS: model.cacheTtlS }),
  };
}

function toCacheWord(kind: "created" | "joined" | "kept" | "again"): CacheWord | undefined {
  if (kind === "again") return undefined;
  return kind === "created" ? "miss" : kind === "joined" ? "joined" : "hit";
}
