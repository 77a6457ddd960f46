import type { ErrorCode, Scope } from "@sluice/broker";
import type { z } from "zod";
import { classifyForm } from "../routes/classify-image.js";
import { recognizeForm } from "../routes/recognize-image.js";
import {
  imageSubmission,
  imageUrlSubmission,
  optionFields,
  s3Submission,
  submissionOptions,
  tensorSubmission,
  textSubmission,
} from "../submission/submission.js";
import {
  acceptedAnswer,
  canceledAnswer,
  classifyAnswer,
  liveAnswer,
  modelsAnswer,
  readyAnswer,
  recognitionAnswer,
  taskAnswer,
} from "./answer-schemas.js";
import { codesOf, type CodeGroup } from "./error-groups.js";

/** One route, as its readers need it. */
export interface Operation {
  readonly method: "get" | "post";
  /** With `{name}` where a value stands. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  /** Undefined: it asks nobody who they are. */
  readonly scope?: Scope;
  readonly parameters?: readonly Parameter[];
  readonly body?: OperationBody;
  readonly answers: readonly OperationAnswer[];
  readonly errors: readonly ErrorCode[];
  /** For a shell in the folder of the project, against `$URL`; `$ID` is the id of a task. */
  readonly examples: readonly { readonly title: string; readonly curl: string }[];
}

/** Something in the query, a header or the path. */
export interface Parameter {
  readonly name: string;
  readonly in: "query" | "header" | "path";
  readonly description: string;
  readonly schema: Readonly<Record<string, unknown>> | z.ZodType;
}

/** The forms of a body. */
export interface OperationBody {
  /** Exactly one of these. */
  readonly json: readonly z.ZodObject[];
  /** Fields of a form beside its picture, and parameters of the query beside the bytes of one. */
  readonly options: z.ZodObject;
}

/** What comes where nothing is wrong. */
export interface OperationAnswer {
  readonly status: number;
  readonly description: string;
  /** Undefined: it is no JSON, or it is nothing. */
  readonly schema?: z.ZodType;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const taskId: Parameter = {
  name: "task_id",
  in: "path",
  description: "As it was answered.",
  schema: { type: "string" },
};
const prefer: Parameter = {
  name: "Prefer",
  in: "header",
  description: "`wait=N`: waits up to N seconds, at most 60, for the result (RFC 7240).",
  schema: { type: "string", example: "wait=10" },
};
const wait: Parameter = {
  name: "wait",
  in: "query",
  description: "The same; it stands before `Prefer`.",
  schema: { type: "integer", minimum: 0, maximum: 60 },
};
const idempotencyKey: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description: "For 24 hours a repeat with the same key and body is the same task.",
  schema: { type: "string", minLength: 1, maxLength: 255, pattern: "^[\\x21-\\x7e]+$" },
};
const topK: Parameter = {
  name: "top_k",
  in: "query",
  description: "Most labels of an output.",
  schema: optionFields.top_k,
};
const threshold: Parameter = {
  name: "threshold",
  in: "query",
  description: "Labels below it are left out.",
  schema: optionFields.threshold,
};

const ACCEPTED = { location: "Where its result will be.", "retry-after": "Seconds until it makes sense to look." };
const REPLAYED = { "idempotent-replayed": "`true`: an earlier request with this Idempotency-Key made the task." };
const WAITED = { "preference-applied": "`wait=N`, if `Prefer` was followed." };
const withCodes = (...groups: readonly CodeGroup[]) => codesOf("any", ...groups);

const JPEG = "-H 'Content-Type: image/jpeg' --data-binary @models/shapes/example.jpg";
const JSON_BODY = "-H 'Content-Type: application/json' -d";

const submit: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/inference",
    id: "submitInference",
    summary: "Submit one task",
    description:
      "Admits a text, a tensor or a picture. What was answered 202 or 200 reaches exactly one terminal state. Equal tasks are computed once.",
    scope: "submit",
    parameters: [prefer, wait, idempotencyKey],
    body: {
      json: [textSubmission, tensorSubmission, imageSubmission, imageUrlSubmission, s3Submission],
      options: submissionOptions,
    },
    answers: [
      {
        status: 200,
        description: "The result was kept, or came while the request waited.",
        schema: taskAnswer,
        headers: { ...WAITED, ...REPLAYED },
      },
      {
        status: 202,
        description: "It is admitted.",
        schema: acceptedAnswer,
        headers: { ...ACCEPTED, ...WAITED, ...REPLAYED },
      },
    ],
    errors: withCodes("caller", "identity", "body", "picture", "admission", "idempotency", "storage"),
    examples: [
      {
        title: "A text, and its result",
        curl: `curl -s $URL/v1/inference -H 'Prefer: wait=10' ${JSON_BODY} '{"input":"Le renard brun saute"}'`,
      },
      { title: "A picture", curl: `curl -s "$URL/v1/inference?wait=10" ${JPEG}` },
      {
        title: "A picture in a form",
        curl: `curl -s "$URL/v1/inference?wait=10" -F image=@models/shapes/example.jpg -F top_k=1`,
      },
      {
        title: "Without waiting",
        curl: `curl -s $URL/v1/inference -H 'Idempotency-Key: order-17' ${JSON_BODY} '{"input":"Ein Satz","priority":"bulk","deadline_ms":60000}'`,
      },
    ],
  },
  {
    method: "post",
    path: "/classify",
    id: "classify",
    summary: "Classify a picture",
    description:
      "Waits for the labels of one picture, best first. `mode` chooses among the outputs of the model; a multi-label answer that would be empty lowers the threshold in steps of 0.05 until one label is there.",
    scope: "submit",
    parameters: [idempotencyKey],
    body: { json: classifyForm.jsonSchemas, options: classifyForm.optionSchema },
    answers: [{ status: 200, description: "The labels.", schema: classifyAnswer }],
    errors: withCodes("caller", "identity", "body", "picture", "admission", "idempotency", "storage", "failure"),
    examples: [
      { title: "The largest shape", curl: `curl -s "$URL/classify?top_k=3" ${JPEG}` },
      { title: "Everything that is seen", curl: `curl -s "$URL/classify?mode=multi-label&threshold=0.9" ${JPEG}` },
      {
        title: "In Base64",
        curl: `printf '{"image_base64":"%s","top_k":1}' "$(base64 < models/shapes/example.jpg | tr -d '\\n')" | curl -s $URL/classify -H 'Content-Type: application/json' -d @-`,
      },
    ],
  },
  {
    method: "post",
    path: "/v1/recognize",
    id: "recognize",
    summary: "Recognize what is in a picture",
    description:
      "A picture below 2 MB is answered in the request; a larger one, or one that takes longer than 10 s, is pending.",
    scope: "submit",
    parameters: [idempotencyKey],
    body: { json: recognizeForm.jsonSchemas, options: recognizeForm.optionSchema },
    answers: [
      { status: 200, description: "It is done.", schema: recognitionAnswer },
      { status: 202, description: "It is pending.", schema: recognitionAnswer, headers: ACCEPTED },
    ],
    errors: withCodes("caller", "identity", "body", "picture", "admission", "idempotency", "storage", "failure"),
    examples: [
      { title: "A picture and a threshold", curl: `curl -s "$URL/v1/recognize?confidence_threshold=0.8" ${JPEG}` },
      { title: "In a form", curl: `curl -s $URL/v1/recognize -F image=@models/shapes/example.jpg -F model_id=shapes` },
    ],
  },
];

const read: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/recognize/{request_id}",
    id: "readRecognition",
    summary: "Read a recognition",
    description: "What became of a request that was pending.",
    scope: "read",
    parameters: [
      { ...taskId, name: "request_id" },
      { ...threshold, name: "confidence_threshold" },
    ],
    answers: [{ status: 200, description: "What it says now.", schema: recognitionAnswer }],
    errors: withCodes("caller", "identity", "task", "storage"),
    examples: [{ title: "One that was answered before", curl: "curl -s $URL/v1/recognize/$ID" }],
  },
  {
    method: "get",
    path: "/v1/result/{task_id}",
    id: "readResult",
    summary: "Read a task",
    description:
      "At once, or as soon as it has ended; with `Accept: text/event-stream` as events: `status` when its stage changes, `done` with what would be answered here, `error` with a problem.",
    scope: "read",
    parameters: [
      taskId,
      prefer,
      wait,
      topK,
      threshold,
      {
        name: "Last-Event-ID",
        in: "header",
        description: "Of the last event that came: it is not sent again.",
        schema: { type: "string" },
      },
    ],
    answers: [
      {
        status: 200,
        description: "What it says now.",
        schema: taskAnswer,
        headers: { ...WAITED, "retry-after": ACCEPTED["retry-after"] },
      },
      { status: 204, description: "Of an event stream: all was told already." },
    ],
    errors: withCodes("caller", "identity", "task", "storage"),
    examples: [
      { title: "What it says now", curl: "curl -s $URL/v1/result/$ID" },
      { title: "As soon as it has ended", curl: 'curl -s "$URL/v1/result/$ID?wait=10&top_k=1"' },
      { title: "As events", curl: "curl -sN $URL/v1/result/$ID -H 'Accept: text/event-stream'" },
    ],
  },
  {
    method: "post",
    path: "/v1/tasks/{task_id}/cancel",
    id: "cancelTask",
    summary: "Cancel a task",
    description: "Idempotent. Equal tasks of others go on.",
    scope: "submit",
    parameters: [taskId],
    answers: [{ status: 200, description: "It is canceled.", schema: canceledAnswer }],
    errors: [...withCodes("caller", "identity", "task", "storage"), "task-ended"],
    examples: [],
  },
  {
    method: "post",
    path: "/v1/tasks/{task_id}/retry",
    id: "retryTask",
    summary: "Retry a task that failed",
    description: "Makes one new task of its input, however often it is asked for.",
    scope: "submit",
    parameters: [taskId],
    answers: [{ status: 202, description: "The new task.", schema: acceptedAnswer, headers: ACCEPTED }],
    errors: [...withCodes("caller", "identity", "task", "admission", "storage"), "not-retryable"],
    examples: [],
  },
  {
    method: "get",
    path: "/models",
    id: "listModels",
    summary: "List the models",
    description: "What can be asked, what each takes and answers, and how long its batches take.",
    scope: "read",
    answers: [{ status: 200, description: "In order of name.", schema: modelsAnswer }],
    errors: withCodes("caller", "identity", "storage"),
    examples: [{ title: "All models", curl: "curl -s $URL/models" }],
  },
];

const operate: readonly Operation[] = [
  {
    method: "get",
    path: "/healthz/live",
    id: "showLiveness",
    summary: "Whether the process answers",
    description: "Says nothing of Redis: a restart would not mend that.",
    answers: [{ status: 200, description: "It does.", schema: liveAnswer }],
    errors: [],
    examples: [{ title: "", curl: "curl -s $URL/healthz/live" }],
  },
  {
    method: "get",
    path: "/healthz/ready",
    id: "showReadiness",
    summary: "Whether work should be sent here",
    description: "Redis has answered lately and can keep what is promised, and the process is not stopping.",
    answers: [
      { status: 200, description: "It should.", schema: readyAnswer },
      { status: 503, description: "It should not.", schema: readyAnswer },
    ],
    errors: [],
    examples: [{ title: "", curl: "curl -s $URL/healthz/ready" }],
  },
  {
    method: "get",
    path: "/metrics",
    id: "showMetrics",
    summary: "Metrics for Prometheus",
    description: "In the text format.",
    answers: [{ status: 200, description: "All metrics.", contentType: "text/plain" }],
    errors: [],
    examples: [{ title: "", curl: "curl -s $URL/metrics" }],
  },
  {
    method: "get",
    path: "/openapi.json",
    id: "showOpenApi",
    summary: "This document",
    description: "OpenAPI 3.1, made of the schemas that requests are checked with.",
    answers: [{ status: 200, description: "The document.", contentType: "application/json" }],
    errors: [],
    examples: [{ title: "", curl: "curl -s $URL/openapi.json" }],
  },
  {
    method: "get",
    path: "/docs",
    id: "showDocs",
    summary: "This document, for people",
    description: "A page that needs nothing from elsewhere. `/problems/{code}` says what each code means.",
    answers: [{ status: 200, description: "The page.", contentType: "text/html" }],
    errors: [],
    examples: [{ title: "", curl: "curl -s $URL/docs" }],
  },
  {
    method: "get",
    path: "/problems/{code}",
    id: "showError",
    summary: "What a code means",
    description: "The page that the `type` of a problem leads to.",
    parameters: [{ name: "code", in: "path", description: "Of a problem.", schema: { type: "string" } }],
    answers: [{ status: 200, description: "The page.", contentType: "text/html" }],
    errors: ["not-found"],
    examples: [{ title: "", curl: "curl -s $URL/problems/queue-full" }],
  },
];

/** All routes, in reading order. */
export const OPERATIONS: readonly Operation[] = [...submit, ...read, ...operate];
