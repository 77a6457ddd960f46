import {
  decodeFailure,
  decodeOutput,
  decodeRecord,
  type ModelRegistry,
  parseLane,
  parseTaskId,
  type ReadTaskReply,
  type RunRecord,
} from "@sluice/broker";
import type { ViewOptions } from "../submission/submission.js";
import { toOutputView } from "./output-view.js";

/** Where an answer came from: computed for this task, computed for an equal one at the same time, or kept from before. */
export type CacheWord = "miss" | "joined" | "hit";

/** A task that Redis knows. */
export type KnownTask = Exclude<ReadTaskReply, { kind: "none" | "gone" }>;

/** Where a task can be read and canceled. */
export function toTaskUrls(taskId: string): { readonly result: string; readonly cancel: string } {
  return { result: `/v1/result/${taskId}`, cancel: `/v1/tasks/${taskId}/cancel` };
}

/** How a task is shown. */
export interface TaskViewOptions {
  readonly view: ViewOptions;
  /** Told by the admission; found out from the task where it is read later. */
  readonly cache?: CacheWord | undefined;
}

/** A task as callers see it, in JSON. States are PENDING, SUCCESS, FAILED, EXPIRED and CANCELED. */
export function toTaskView(
  taskId: string,
  task: KnownTask,
  models: Pick<ModelRegistry, "get">,
  options: TaskViewOptions,
): Record<string, unknown> {
  if (task.kind === "left") return { task_id: taskId, status: task.state };
  if (task.kind === "open") {
    const stage = task.leaseMs > 0 ? "running" : "queued";
    return { task_id: taskId, status: "PENDING", stage, urls: toTaskUrls(taskId) };
  }
  const lane = parseLane(task.lane);
  const definition = models.get(lane?.model ?? "");
  const record = decodeRecord(task.record);
  const cache = options.cache ?? toCacheWord(taskId, task);
  return {
    task_id: taskId,
    status: task.state,
    ...(task.state === "SUCCESS"
      ? toOutput(task.output, definition?.version === lane?.version ? definition : undefined, options.view)
      : { error: decodeFailure(task.error) }),
    ...(task.finishedMs > task.deadlineMs ? { late: true } : {}),
    model: lane?.model,
    model_version: lane?.version,
    cache,
    timing: toTiming(taskId, task, record),
    ...(record ? { batch: toBatch(record) } : {}),
  };
}

/** A task whose run has ended. */
export type DoneTask = Extract<ReadTaskReply, { kind: "done" }>;

function toOutput(
  bytes: Buffer,
  definition: ReturnType<ModelRegistry["get"]>,
  options: ViewOptions,
): Record<string, unknown> {
  const { output, thresholdUsed } = toOutputView(decodeOutput(bytes), definition, options);
  return thresholdUsed ? { output, threshold_used: thresholdUsed } : { output };
}

/** A run of its own is a miss. Else the clocks of api and Redis tell whether the result was there before the task. */
export function toCacheWord(taskId: string, task: DoneTask): CacheWord {
  if (task.runId === taskId) return "miss";
  return createdMsOf(taskId) >= task.finishedMs ? "hit" : "joined";
}

/** Milliseconds. `total_ms` is this task's own: a result that was there before it took no time. */
export function toTiming(
  taskId: string,
  task: DoneTask,
  record: RunRecord | undefined = decodeRecord(task.record),
): Record<string, number> {
  const sinceMs = task.runId === taskId ? task.admittedMs : createdMsOf(taskId);
  const totalMs = Math.max(0, task.finishedMs - sinceMs);
  if (!record) return { total_ms: totalMs };
  return {
    queue_ms: toHundredth(record.queueMs),
    batch_wait_ms: toHundredth(record.batchWaitMs),
    preprocess_ms: toHundredth(record.preprocessMs),
    infer_ms: toHundredth(record.inferMs),
    gpu_share_ms: toHundredth(record.gpuShareMs),
    total_ms: totalMs,
  };
}

function toBatch({ batchId, size, unique, reason }: RunRecord): Record<string, unknown> {
  return { id: batchId, size, unique, reason };
}

function createdMsOf(taskId: string): number {
  return parseTaskId(taskId)?.createdMs ?? 0;
}

const toHundredth = (ms: number) => Math.round(ms * 100) / 100;
