import { ERROR_CODES, type ErrorCode } from "@sluice/broker";
import { z } from "zod";

/** What answers look like. Strict: the tests read real answers with them, so that nothing is said and not described. */

const ms = z.number().min(0);
const word = z.string().min(1);
const score = z.number();
const errorCode = z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]);
const cache = z.enum(["miss", "joined", "hit"]).describe("computed for it, for an equal one at the same time, or kept");
const timing = z
  .strictObject({
    queue_ms: ms.optional(),
    batch_wait_ms: ms.optional(),
    preprocess_ms: ms.optional(),
    infer_ms: ms.optional(),
    gpu_share_ms: ms.optional(),
    total_ms: ms,
  })
  .describe("milliseconds");
const urls = z.strictObject({ result: word, cancel: word });
const failure = z.strictObject({ code: errorCode, message: z.string() });
const label = z.strictObject({ label: z.string(), score });
const element = z.union([z.number(), z.boolean(), z.string(), z.null()]);
const tensor = z.strictObject({ datatype: word, shape: z.array(z.int()), data: z.array(element) });
const output = z
  .record(z.string(), z.union([z.array(label), z.string(), tensor]))
  .describe("by the names of the model's outputs: labels with scores, a text, or a tensor of one row");

const pendingTask = z.strictObject({
  task_id: word,
  status: z.literal("PENDING"),
  stage: z.enum(["queued", "running"]).optional(),
  urls,
  cache: cache.optional(),
});
const endedTask = z.strictObject({
  task_id: word,
  status: z.enum(["SUCCESS", "FAILED", "EXPIRED", "CANCELED"]),
  output: output.optional(),
  threshold_used: z.record(z.string(), z.number()).optional().describe("outputs whose threshold was lowered"),
  error: failure.optional(),
  late: z.literal(true).optional().describe("it came after the task's deadline"),
  model: word.optional(),
  model_version: word.optional(),
  cache: cache.optional(),
  timing: timing.optional(),
  batch: z.strictObject({ id: word, size: z.int(), unique: z.int(), reason: word }).optional(),
});

/** A task, at any time of its life. */
export const taskAnswer = z.union([pendingTask, endedTask]);
/** A task that was admitted and has not ended. */
export const acceptedAnswer = pendingTask;

/** The answer of POST /classify. */
export const classifyAnswer = z.strictObject({
  predictions: z.array(z.strictObject({ label: z.string(), score, box: z.array(z.number()).optional() })),
  threshold_used: z.number().optional().describe("the threshold that it was lowered to, so that one label is there"),
  model: word,
  model_version: word,
  cache,
  timing,
});

/** The answer of POST and GET /v1/recognize. */
export const recognitionAnswer = z.union([
  z.strictObject({ request_id: word, status: z.enum(["pending", "processing"]), urls }),
  z.strictObject({
    request_id: word,
    status: z.enum(["done", "failed"]),
    labels: z
      .array(z.strictObject({ label: z.string(), score, bounding_box: z.array(z.number()).optional() }))
      .optional(),
    threshold_used: z.number().optional(),
    cache_hit: z.boolean().optional(),
    model_id: word.optional(),
    model_version: word.optional(),
    error: failure.optional(),
  }),
]);

/** The answer of POST /v1/tasks/{task_id}/cancel. */
export const canceledAnswer = z.strictObject({ task_id: word, status: z.literal("CANCELED") });

const modelInput = z.union([
  z.strictObject({ kind: z.literal("text"), max_bytes: z.int() }),
  z.strictObject({ kind: z.literal("tensor"), datatype: word, shape: z.array(z.int()) }),
  z.strictObject({ kind: z.literal("image"), width: z.int(), height: z.int() }),
]);
const modelOutput = z.union([
  z.strictObject({
    name: word,
    kind: z.literal("labels"),
    mode: z.enum(["binary", "multi-class", "multi-label"]),
    threshold: z.number(),
    top_k: z.int(),
    label_count: z.int().describe("the size of the taxonomy"),
  }),
  z.strictObject({ name: word, kind: z.literal("text") }),
  z.strictObject({ name: word, kind: z.literal("tensor"), datatype: word, shape: z.array(z.int()) }),
]);

/** The answer of GET /models. */
export const modelsAnswer = z.strictObject({
  models: z.array(
    z.strictObject({
      name: word,
      description: z.string(),
      version: word,
      framework: word,
      default_for: z.enum(["text", "tensor", "image"]).optional().describe("inputs that it takes if none is named"),
      input: modelInput,
      outputs: z.array(modelOutput),
      max_batch_size: z.int(),
      metrics: z.record(z.string(), z.number()).describe("measured when it was made"),
      latency: z
        .array(z.strictObject({ batch_size: ms, p50_ms: ms, p95_ms: ms }))
        .describe("how long batches take, as it was learned from those that ran"),
    }),
  ),
});

/** The answers of the health checks. */
export const liveAnswer = z.strictObject({ status: z.literal("live"), identity: z.enum(["on", "off"]) });
/** See {@link liveAnswer}. */
export const readyAnswer = z.strictObject({ status: word, problems: z.array(z.string()).optional() });

/** What every refusal is answered with: RFC 9457. */
export const problemAnswer = z.strictObject({
  type: word.describe("the page of the code, relative to this server"),
  title: word,
  status: z.int(),
  detail: z.string(),
  instance: z.string().describe("the path of the request"),
  code: errorCode,
  retryable: z.boolean().describe("whether the same request may succeed later"),
  request_id: word,
  errors: z
    .array(z.strictObject({ pointer: z.string(), detail: z.string() }))
    .optional()
    .describe("fields that are wrong, by JSON pointer"),
});
