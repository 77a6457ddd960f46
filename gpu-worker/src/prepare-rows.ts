import { BrokerError, decodeTensorInput, type ModelDefinition, type ModelInput } from "@sluice/broker";
import type { ImageDecoder } from "./preprocess/image-row.js";
import { tensorRow } from "./preprocess/tensor-row.js";
import { textRow } from "./preprocess/text-row.js";
import type { RowTensor } from "./triton/row-tensor.js";

/**
 * Turns inputs into rows, in the same order: texts and tensors at once, pictures side by side.
 * @param inputs a text is its UTF-8 bytes, a tensor what `encodeTensorInput` wrote, a picture its file.
 * @returns an error in the place of an input that cannot be used (`input-rejected`), or that was an error already.
 */
export async function prepareRows(
  model: ModelDefinition,
  inputs: readonly (Uint8Array | BrokerError)[],
  decoder: ImageDecoder,
): Promise<(RowTensor | BrokerError)[]> {
  const { input } = model;
  if (input.kind !== "image") return inputs.map((bytes) => prepareNow(input, bytes));
  return await Promise.all(
    inputs.map(async (bytes) => {
      if (bytes instanceof BrokerError) return bytes;
      return await decoder.decode(bytes, input).catch(asRejected);
    }),
  );
}

function prepareNow(input: Exclude<ModelInput, { kind: "image" }>, bytes: Uint8Array | BrokerError) {
  if (bytes instanceof BrokerError) return bytes;
  try {
    return input.kind === "text" ? textRow(bytes, input) : tensorRow(decodeTensor(bytes), input);
  } catch (error) {
    return asRejected(error);
  }
}

function decodeTensor(bytes: Uint8Array): RowTensor {
  const tensor = decodeTensorInput(bytes);
  if (!tensor) throw new BrokerError("input-rejected", "the input is not a tensor");
  return tensor;
}

/** What is wrong with an input is never wrong with the next one: a bug shows as `internal` in one task. */
function asRejected(error: unknown): BrokerError {
  return BrokerError.from(error, "internal", `the input could not be prepared: ${String(error)}`);
}
