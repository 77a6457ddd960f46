import type { ModelDefinition, ModelOutput, ModelRegistry } from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import type { Identify } from "../identity/identify.js";

/** `GET /models`: the models that can be asked now, in order of name. */
export function listModels(deps: { readonly models: ModelRegistry; readonly identify: Identify }): Handler {
  return async ({ env }) => {
    requireJsonAccepted(env.incoming.headers.accept);
    await deps.identify(env, "read");
    const models = [...deps.models.all()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return jsonResponse(200, JSON.stringify({ models: models.map(toModelView) }));
  };
}

function toModelView(model: ModelDefinition): Record<string, unknown> {
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
  };
}

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
