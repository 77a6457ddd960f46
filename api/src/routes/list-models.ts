import {
  type Clock,
  learnedTimesOf,
  type LearnedTimes,
  type ModelDefinition,
  type ModelOutput,
  type ModelRegistry,
  readLearnedTimes,
  type RedisClient,
} from "@sluice/broker";
import type { Logger } from "pino";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { createAnswerCache } from "../identity/answer-cache.js";
import type { Identify } from "../identity/identify.js";

/** What the route needs. */
export interface ListModelsDeps {
  readonly models: ModelRegistry;
  readonly identify: Identify;
  readonly redis: RedisClient;
  readonly clock: Clock;
  /** Whose learned times are shown. */
  readonly zone: string;
  readonly log: Logger;
}

/** Learned times change slowly, and many may ask. */
const TIMES_FOR_MS = 1_000;

/** `GET /models`: the models that can be asked now, in order of name, with what was learned of how fast they are. */
export function listModels(deps: ListModelsDeps): Handler {
  const cached = createAnswerCache<ReadonlyMap<string, LearnedTimes>>(deps.clock, {
    ttlMs: TIMES_FOR_MS,
    maxEntries: 1,
  });
  // What was learned is worth no refusal: without Redis the rest is told.
  const readTimes = () =>
    cached("times", () => readLearnedTimes(deps.redis)).catch((error: unknown) => {
      deps.log.debug({ err: error }, "learned times not read");
      return new Map<string, LearnedTimes>();
    });
  return async ({ env }) => {
    requireJsonAccepted(env.incoming.headers.accept);
    await deps.identify(env, "read");
    const models = [...deps.models.all()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const learned = await readTimes();
    const views = models.map((model) => {
      const name = learnedTimesOf({ model: model.name, version: model.version, zone: deps.zone });
      return toModelView(model, learned.get(name));
    });
    return jsonResponse(200, JSON.stringify({ models: views }));
  };
}

function toModelView(model: ModelDefinition, learned: LearnedTimes | undefined): Record<string, unknown> {
  return {
    name: model.name,
    description: model.description,
    version: model.version,
    framework: model.framework,
    default_for: model.defaultFor,
    input: toInputView(model.input),
    outputs: model.outputs.map(toOutputView),
    max_batch_size: model.maxBatchSize,
    metrics: model.metrics,
    latency: (learned?.times ?? []).map(({ size, p50Ms, p95Ms }) => ({
      batch_size: toHundredth(size),
      p50_ms: toHundredth(p50Ms),
      p95_ms: toHundredth(p95Ms),
    })),
  };
}

const toHundredth = (value: number) => Math.round(value * 100) / 100;

function toInputView(input: ModelDefinition["input"]): Record<string, unknown> {
  switch (input.kind) {
    case "text":
      return { kind: input.kind, max_bytes: input.maxBytes };
    case "tensor":
      return { kind: input.kind, datatype: input.datatype, shape: input.dims };
    case "image":
      return { kind: input.kind, width: input.width, height: input.height };
  }
}

function toOutputView(output: ModelOutput): Record<string, unknown> {
  switch (output.kind) {
    case "labels": {
      const { name, kind, mode, threshold, topK, labels } = output;
      return { name, kind, mode, threshold, top_k: topK, label_count: labels.length };
    }
    case "text":
      return { name: output.name, kind: output.kind };
    case "tensor":
      return { name: output.name, kind: output.kind, datatype: output.datatype, shape: output.dims };
  }
}
