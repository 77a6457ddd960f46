import type { InferRequest, InferResponse } from "@sluice/proto";

/** Shape of one row: a picture as networks take it. */
export const TENSOR_SHAPE = [3, 224, 224] as const;
/** FP32. */
export const TENSOR_BYTES = TENSOR_SHAPE.reduce((product, size) => product * size, 4);

/** Full batches for the model `glimpse`, which answers the first, the middle and the last number of each row. */
export interface TensorBatches {
  /** Each has the rows of the one before in another order, in one piece a row, as they come from tasks. */
  next(): TensorBatch;
}

/** One of them, with what is right. */
export interface TensorBatch {
  readonly request: InferRequest;
  readonly isRight: (response: InferResponse) => boolean;
}

/** @param random gives numbers from 0 to 1. */
export function createTensorBatches(batchSize: number, random: () => number): TensorBatches {
  const rows = Array.from({ length: batchSize }, () => Float32Array.from({ length: TENSOR_BYTES / 4 }, random));
  let made = 0;
  return {
    next() {
      const first = made++ % batchSize;
      const ordered = [...rows.slice(first), ...rows.slice(0, first)];
      const request = {
        modelName: "glimpse",
        inputs: [{ name: "INPUT", datatype: "FP32", shape: [batchSize, ...TENSOR_SHAPE] }],
        outputs: [{ name: "OUTPUT" }],
        rawInputContents: [ordered.map((row) => new Uint8Array(row.buffer))],
      };
      const expected = ordered.flatMap((row) => [row[0], row[row.length >> 1], row.at(-1)]);
      return {
        request,
        isRight({ rawOutputContents: [output = new Uint8Array()] }) {
          const seen = new Float32Array(output.slice().buffer);
          return seen.length === expected.length && seen.every((value, index) => value === expected[index]);
        },
      };
    },
  };
}
