import { BrokerError, decodeTensorInput, type ModelDefinition, type ModelInput } from "@sluice/broker";
import type { ImageDecoder } from "./preprocess/image-row.js";
import { tensorRow } from "./preprocess/tensor-row.js";
import { textRow, textRowBytes } from "./preprocess/text-row.js";
import type { RowTensor } from "./triton/row-tensor.js";

type InputOf<Kind extends ModelInput["kind"]> = Extract<ModelInput, { kind: Kind }>;

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
  if (input.kind === "text") return prepareTexts(inputs, input);
  if (input.kind === "tensor") return inputs.map((bytes) => guarded(bytes, (tensor) => prepareTensor(tensor, input)));
  return await Promise.all(
    inputs.map(async (bytes) => {
      if (bytes instanceof BrokerError) return bytes;
      return await decoder.decode(bytes, input).catch(asRejected);
    }),
  );
}

function prepareTexts(inputs: readonly (Uint8Array | BrokerError)[], input: InputOf<"text">) {
  const room = inputs.reduce((sum, bytes) => sum + (bytes instanceof BrokerError ? 0 : textRowBytes(bytes)), 0);
  const rows = Buffer.allocUnsafeSlow(room);
  let end = 0;
  return inputs.map((bytes) =>
    guarded(bytes, (text) => textRow(text, input, rows.subarray(end, (end += textRowBytes(text))))),
  );
}

function prepareTensor(bytes: Uint8Array, input: InputOf<"tensor">): RowTensor {
  const tensor = decodeTensorInput(bytes);
  if (!tensor) throw new BrokerError("input-rejected", "the input is not a tensor");
  return tensorRow(tensor, input);
}

function guarded(bytes: Uint8Array | BrokerError, prepare: (bytes: Uint8Array) => RowTensor): RowTensor | BrokerError {
  if (bytes instanceof BrokerError) return bytes;
  try {
    return prepare(bytes);
  } catch (error) {
    return asRejected(error);
  }
}

/** What is wrong with an input is never wrong with the next one: a bug shows as `internal` in one task. */
function asRejected(error: unknown): BrokerError {
  return BrokerError.from(error, "internal", `the input could not be prepared: ${String(error)}`);
}
