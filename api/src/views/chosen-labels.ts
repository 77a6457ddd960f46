import { BrokerError, decodeOutput, type ModelDefinition } from "@sluice/broker";
import { invalidField } from "../submission/invalid-field.js";
import type { ViewOptions } from "../submission/submission.js";
import { type LabelsOutput, type LabelsView, toLabelsView } from "./labels-view.js";

/** How the labels of an output relate: one of two, one of many, or any number of many. */
export type LabelsMode = LabelsOutput["mode"];

/**
 * The output of a model that answers a question for labels.
 * @param mode wanted; the model's first output with labels if absent.
 * @throws BrokerError validation-failed if the model has none
 */
export function chooseLabels(model: ModelDefinition, mode: LabelsMode | undefined): LabelsOutput {
  const found = model.outputs.find(
    (output): output is LabelsOutput => output.kind === "labels" && (mode === undefined || output.mode === mode),
  );
  if (found) return found;
  throw mode === undefined
    ? invalidField("validation-failed", "", `${model.name} does not give labels`)
    : invalidField("validation-failed", "/mode", `${model.name} has no ${mode} labels`);
}

/**
 * The output that tells what is in a picture: any number of labels where the model has such an output.
 * @throws BrokerError validation-failed if the model has no labels
 */
export function chooseRecognized(model: ModelDefinition): LabelsOutput {
  const hasMany = model.outputs.some((output) => output.kind === "labels" && output.mode === "multi-label");
  return chooseLabels(model, hasMany ? "multi-label" : undefined);
}

/**
 * The stored output of a run -> the labels of one output of its model.
 * @throws BrokerError upstream-invalid if they are not there, or do not fit
 */
export function readLabels(stored: Buffer, output: LabelsOutput, options: ViewOptions): LabelsView {
  const tensors = decodeOutput(stored);
  const scores = tensors.find(({ name }) => name === output.tensor);
  const boxes = output.boxes === undefined ? undefined : tensors.find(({ name }) => name === output.boxes);
  const labels = scores && toLabelsView(scores, output, options, boxes);
  if (labels) return labels;
  throw new BrokerError("upstream-invalid", "the model gave scores that do not fit its labels");
}
