import { BrokerError, decodeFailure, type ModelRegistry, parseLane, type TaskFailure } from "@sluice/broker";
import { chooseRecognized, readLabels } from "./chosen-labels.js";
import { type CacheWord, type KnownTask, toCacheWord } from "./task-view.js";

/** How a recognition is shown. */
export interface RecognitionViewOptions {
  /** Labels below it are left out; the model's own threshold if absent. */
  readonly threshold: number | undefined;
  /** Told by the admission; found out from the task where it is read later. */
  readonly cache?: CacheWord | undefined;
}

/** Where a recognition can be read. */
export function toRecognitionUrls(requestId: string): { readonly result: string; readonly cancel: string } {
  return { result: `/v1/recognize/${requestId}`, cancel: `/v1/tasks/${requestId}/cancel` };
}

/**
 * A task as `/v1/recognize` shows it: `pending`, `processing`, `done` or `failed`.
 * @param task undefined: just admitted.
 */
export function toRecognitionView(
  requestId: string,
  task: KnownTask | undefined,
  models: Pick<ModelRegistry, "get">,
  { threshold, cache }: RecognitionViewOptions,
): Record<string, unknown> {
  if (task === undefined || task.kind === "open") {
    const status = task && task.leaseMs > 0 ? "processing" : "pending";
    return { request_id: requestId, status, urls: toRecognitionUrls(requestId) };
  }
  if (task.kind === "left") return failed(requestId, whyLeft(task.state));
  const lane = parseLane(task.lane);
  const ended = {
    request_id: requestId,
    model_id: lane?.model,
    model_version: lane?.version,
    cache_hit: (cache ?? toCacheWord(requestId, task)) === "hit",
  };
  if (task.state === "FAILED") return { ...ended, ...failed(requestId, decodeFailure(task.error)) };
  const model = models.get(lane?.model ?? "");
  if (!model || model.version !== lane?.version) {
    const message = "the model that made this result is not registered any more";
    return { ...ended, ...failed(requestId, { code: "model-not-found", message }) };
  }
  const { labels, thresholdUsed } = readLabels(task.output, chooseRecognized(model), { threshold });
  const shown = labels.map(({ box, ...label }) => (box ? { ...label, bounding_box: box } : label));
  return { ...ended, status: "done", labels: shown, threshold_used: thresholdUsed };
}

function failed(requestId: string, error: TaskFailure): Record<string, unknown> {
  return { request_id: requestId, status: "failed", error };
}

function whyLeft(state: "CANCELED" | "EXPIRED"): TaskFailure {
  const { code, message } =
    state === "CANCELED"
      ? new BrokerError("task-ended", "the request was canceled")
      : new BrokerError("result-timeout", "the result did not come in time");
  return { code, message };
}
