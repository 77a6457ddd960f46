import {
  admitTask,
  createTaskId,
  DEFAULT_SETTINGS,
  digestOf,
  keys,
  parseTaskId,
  type AdmitRequest,
  type BatchClass,
  type Notice,
  type RedisClient,
  type RowOutcome,
  type RunRecord,
  type Settings,
} from "../src/index.js";

export const SETTINGS: Settings = DEFAULT_SETTINGS.forAll;
export const laneOf = (batchClass: BatchClass) => ({ model: "m", version: "1", zone: "local", batchClass });

/** A task of the model `m` whose input is `text`; equal texts are twins. */
export function taskOf(text: string, options: Partial<AdmitRequest> & { batchClass?: BatchClass } = {}): AdmitRequest {
  const { batchClass = "now", ...rest } = options;
  const bytes = Buffer.from(text);
  const digest = digestOf({
    model: "m",
    version: "1",
    zone: "local",
    signature: "",
    scope: "",
    salt: "",
    input: bytes,
  });
  return {
    taskId: createTaskId(digest.shard, Date.now()),
    owner: "anna",
    lane: laneOf(batchClass),
    digest,
    signature: "",
    ttlMs: 60_000,
    input: { kind: "input", bytes },
    ...rest,
  };
}

/** Admits a task and gives its request back with the run it is on. */
export async function admitted(redis: RedisClient, text: string, options: Parameters<typeof taskOf>[1] = {}) {
  const request = taskOf(text, options);
  const reply = await admitTask(redis, request, SETTINGS);
  if (reply.kind === "full") throw new Error("full");
  return { ...request, runId: reply.runId, reply };
}

/** A notice with these runs, as a batcher would write it; a single run must be alone. */
export function noticeOf(runIds: readonly string[], batchId = "batch-1"): Notice {
  const rows = runIds.map((runId) => ({ runId, digest: runId, admittedMs: parseTaskId(runId)?.createdMs ?? 0 }));
  const reason = rows.length === 1 ? "solo" : "full";
  return { batchId, batcher: "b1", lane: "m:1:local:now", reason, waitMs: 1, rows };
}

/** The record of a run in a batch of one. */
export const RECORD: RunRecord = {
  batchId: "batch-1",
  size: 1,
  unique: 1,
  reason: "full",
  queueMs: 1,
  batchWaitMs: 1,
  preprocessMs: 1,
  inferMs: 1,
  gpuShareMs: 1,
  attempts: 1,
};

/** A result that shows which text it belongs to. */
export const successOf = (text: string): RowOutcome => ({
  state: "SUCCESS",
  output: [{ name: "O", datatype: "BYTES", shape: [1], data: Buffer.from(text) }],
});
export const FAILURE: RowOutcome = { state: "FAILED", failure: { code: "input-rejected", message: "no" } };

/** Raw fields of a run. */
export const runHash = (redis: RedisClient, runId: string) =>
  redis.hgetall(keys.run(parseTaskId(runId)?.shard ?? 0, runId));
