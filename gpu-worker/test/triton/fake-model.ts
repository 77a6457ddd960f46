import { type ModelDefinition, modelDefinitionSchema } from "@sluice/broker";
import type { InferResponse } from "@sluice/proto";

/** A model definition with the given outputs, or one tensor `OUTPUT` of any length. */
export function modelWith(outputs: object[], input: object = {}): ModelDefinition {
  return modelDefinitionSchema.parse({
    name: "fake",
    version: "3",
    input: { kind: "tensor", tensor: "INPUT", datatype: "FP32", dims: [-1], ...input },
    outputs,
  });
}

/** A response that holds these outputs. */
export function responseWith(
  ...tensors: { name: string; datatype: string; shape: number[]; data: Uint8Array }[]
): InferResponse {
  return {
    modelName: "fake",
    modelVersion: "3",
    id: "",
    parameters: new Map(),
    outputs: tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    rawOutputContents: tensors.map(({ data }) => data),
  };
}

/** Little-endian FP32. */
export function fp32(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

/** BYTES elements: each its length in 4 bytes, then itself. */
export function bytesElements(...texts: string[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      texts.flatMap((text) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(Buffer.byteLength(text));
        return [length, Buffer.from(text)];
      }),
    ),
  );
}
