import type { ModelDefinition } from "@sluice/broker";
import type { TritonChannel } from "../measure/triton-channel.js";
import { decodePicture, toPixelTensor } from "./picture-tensor.js";

/**
 * The label that a model's first output gives each picture when Triton is asked directly, one picture a call: what
 * Sluice must answer for it.
 */
export async function labelPictures(
  pictures: readonly Buffer[],
  model: ModelDefinition,
  triton: TritonChannel,
): Promise<string[]> {
  const { input, outputs } = model;
  const [output] = outputs;
  if (input.kind !== "image" || output?.kind !== "labels") throw new Error(`${model.name} does not label pictures`);
  const { layout, height, width } = input;
  const shape = layout === "NCHW" ? [1, 3, height, width] : [1, height, width, 3];
  const labels: string[] = [];
  for (const picture of pictures) {
    const tensor = toPixelTensor(await decodePicture(picture, input), input);
    const response = await triton.infer({
      modelName: model.name,
      inputs: [{ name: input.tensor, datatype: "FP32", shape }],
      outputs: [{ name: output.tensor }],
      rawInputContents: [tensor],
    });
    labels.push(output.labels[indexOfLargest(toFloats(response.rawOutputContents[0]))] ?? "");
  }
  return labels;
}

function toFloats(bytes: Uint8Array | undefined): Float32Array {
  if (bytes === undefined) return new Float32Array();
  // A copy: the view may begin anywhere in the message, and floats must be aligned.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function indexOfLargest(values: Float32Array): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? -Infinity) ? index : best), 0);
}
