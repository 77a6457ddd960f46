import type { Digest } from "../digest.js";
import { keys } from "../keys.js";
import { formatLane, type Lane } from "../lane.js";
import type { RedisClient } from "../redis/connect.js";
import { type AdmitReply, admitScript } from "../scripts/admit.js";
import type { Settings } from "../settings/settings.js";
import { keepMs, pointerMs, TASK_KEEP_SLACK_MS } from "./retention.js";

/** A task that wants to be admitted. */
export interface AdmitRequest {
  /** Made by the caller with `createTaskId(digest.shard, ...)`; admitting the same id again changes nothing. */
  readonly taskId: string;
  readonly owner: string;
  readonly lane: Lane;
  readonly digest: Digest;
  readonly signature: string;
  /** From now to the deadline, milliseconds. */
  readonly ttlMs: number;
  readonly cost?: number;
  /** The input itself (text stands for its UTF-8), or the id of its blob. */
  readonly input:
    | { readonly kind: "input"; readonly bytes: Uint8Array | string }
    | { readonly kind: "blob"; readonly blobId: string };
  /** Seconds for which the result answers later tasks, if the model has its own. */
  readonly cacheTtlS?: number;
}

/**
 * Admits a task, or attaches it to the run of an equal one: one script, one round trip. Only its caller knows that
 * the reply was "full"; nothing was stored then.
 * @throws BrokerError storage-unavailable; the task may have been admitted all the same, repeat with the same id.
 */
export function admitTask(redis: RedisClient, request: AdmitRequest, settings: Settings): Promise<AdmitReply> {
  const { taskId, digest, input } = request;
  const { shard } = digest;
  const lane = formatLane(request.lane);
  const keepResultMs = keepMs(settings, request.cacheTtlS);
  return admitScript.run(
    redis,
    {
      task: keys.task(shard, taskId),
      run: keys.run(shard, taskId),
      digest: keys.digest(shard, digest.text),
      ready: keys.ready(shard, lane),
    },
    {
      taskId,
      owner: request.owner,
      ttlMs: Math.round(request.ttlMs),
      lane,
      digest: digest.text,
      cost: request.cost ?? 1,
      signature: request.signature,
      inputField: input.kind,
      input: input.kind === "input" ? input.bytes : input.blobId,
      maxDepth: settings.queueMaxDepthPerShard,
      maxTwins: settings.queueMaxTwins,
      taskKeepMs: keepResultMs + TASK_KEEP_SLACK_MS,
      pointerMs: pointerMs(settings, request.cacheTtlS),
      resultKeepMs: settings.resultTtlS * 1_000,
    },
  );
}
