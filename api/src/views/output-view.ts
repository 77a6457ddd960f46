import type { ModelDefinition, ModelOutput, OutputTensor } from "@sluice/broker";
import type { ViewOptions } from "../submission/submission.js";
import { decodeElements, decodeTexts, type JsonElement } from "../tensors/decode-elements.js";
import { type ScoredLabel, toLabelsView } from "./labels-view.js";

/** A tensor in JSON: its shape is that of one row, its elements are flat. */
export interface TensorView {
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: JsonElement[];
}

/** What a task answers, by the names of the model's outputs. */
export interface OutputView {
  readonly output: Readonly<Record<string, ScoredLabel[] | string | TensorView>>;
  /** Outputs whose threshold had to be lowered, with the threshold that was used. */
  readonly thresholdUsed?: Readonly<Record<string, number>>;
}

/**
 * The model's raw output row -> what callers see.
 * @param definition undefined if the model is not registered any more, or with another version: its tensors are shown
 * as they are then, and so is one that does not fit the definition.
 */
export function toOutputView(
  tensors: readonly OutputTensor[],
  definition: ModelDefinition | undefined,
  options: ViewOptions,
): OutputView {
  const output: Record<string, ScoredLabel[] | string | TensorView> = {};
  const thresholdUsed: Record<string, number> = {};
  if (!definition) for (const tensor of tensors) output[tensor.name] = toTensorView(tensor);
  for (const wanted of definition?.outputs ?? []) {
    const tensor = tensors.find((candidate) => candidate.name === wanted.tensor);
    if (!tensor) continue;
    const labels = wanted.kind === "labels" ? toLabelsView(tensor, wanted, options) : undefined;
    output[wanted.name] = labels?.labels ?? toPlainView(tensor, wanted);
    if (labels?.thresholdUsed !== undefined) thresholdUsed[wanted.name] = labels.thresholdUsed;
  }
  return Object.keys(thresholdUsed).length > 0 ? { output, thresholdUsed } : { output };
}

function toPlainView(tensor: OutputTensor, wanted: ModelOutput): string | TensorView {
  const text = wanted.kind === "text" && tensor.datatype === "BYTES" ? decodeTexts(tensor.data)[0] : undefined;
  return text ?? toTensorView(tensor);
}

function toTensorView(tensor: OutputTensor): TensorView {
  return { datatype: tensor.datatype, shape: tensor.shape, data: decodeElements(tensor) };
}
