import { type Datatype, encodeTensorInput, type ModelDefinition } from "@sluice/broker";

/**
 * A model's example as the input bytes of a run.
 * @returns undefined if the model has none, or one of numbers that its type cannot hold.
 */
export function exampleInput({ example, input }: ModelDefinition): Uint8Array | undefined {
  if (!example) return undefined;
  if ("text" in example) return Buffer.from(example.text);
  if ("imageBase64" in example) return Buffer.from(example.imageBase64, "base64");
  if (input.kind !== "tensor") return undefined;
  const data = encodeNumbers(example.data, input.datatype);
  return data && encodeTensorInput({ datatype: input.datatype, shape: example.shape, data });
}

/** Numbers as little-endian elements; Node runs on little-endian machines only. */
function encodeNumbers(numbers: readonly number[], datatype: Datatype): Uint8Array | undefined {
  const values = arrayOf(numbers, datatype);
  return values && new Uint8Array(values.buffer);
}

function arrayOf(numbers: readonly number[], datatype: Datatype): { readonly buffer: ArrayBuffer } | undefined {
  switch (datatype) {
    case "BOOL":
    case "UINT8":
      return Uint8Array.from(numbers);
    case "INT8":
      return Int8Array.from(numbers);
    case "INT16":
      return Int16Array.from(numbers);
    case "INT32":
      return Int32Array.from(numbers);
    case "INT64":
      return numbers.every(Number.isSafeInteger) ? BigInt64Array.from(numbers, BigInt) : undefined;
    case "FP32":
      return Float32Array.from(numbers);
    case "FP64":
      return Float64Array.from(numbers);
    case "FP16":
    case "BYTES":
      return undefined;
  }
}
