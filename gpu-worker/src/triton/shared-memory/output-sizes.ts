import { ELEMENT_BYTES } from "@sluice/broker";
import type { InferRequest, InferResponse } from "@sluice/proto";
import { isDatatype } from "../row-tensor.js";

/** How large the outputs of models are, as their answers have shown: shared memory for them is set aside beforehand. */
export interface OutputSizes {
  /** Bytes of each output of this request by name; none for an output whose size is not known or changes. */
  expect(request: InferRequest): Map<string, number>;
  learn(request: InferRequest, response: InferResponse): void;
  /** The answer to such a request was not what was expected: its outputs are never expected again. */
  forget(request: InferRequest): void;
}

/** Shapes may be chosen by clients: so many kinds of requests are known before all are learned anew. */
const MAX_KINDS = 1_000;

/** Knows nothing yet. */
export function createOutputSizes(): OutputSizes {
  /** Bytes a row by output, by kind of request; NaN for what changes. */
  const kinds = new Map<string, Map<string, number>>();
  const rowsOf = (request: InferRequest): number => request.inputs[0]?.shape[0] ?? 0;
  const kindOf = (request: InferRequest): Map<string, number> => {
    const rows = request.inputs.map(({ name, datatype, shape }) => [name, datatype, shape.slice(1)]);
    const key = JSON.stringify([request.modelName, request.modelVersion, rows]);
    if (kinds.size > MAX_KINDS) kinds.clear();
    const kind = kinds.get(key) ?? new Map<string, number>();
    kinds.set(key, kind);
    return kind;
  };
  return {
    expect(request) {
      const rowBytes = kindOf(request);
      const sizes = (request.outputs ?? []).map(
        ({ name }) => [name, (rowBytes.get(name) ?? NaN) * rowsOf(request)] as const,
      );
      return new Map(sizes.filter(([, bytes]) => Number.isInteger(bytes) && bytes > 0));
    },
    learn(request, response) {
      const kind = kindOf(request);
      for (const { name, datatype, shape } of response.outputs) {
        const rowBytes = tensorBytes(datatype, shape) / rowsOf(request);
        const known = kind.get(name) ?? rowBytes;
        kind.set(name, known === rowBytes ? known : NaN);
      }
    },
    forget(request) {
      const kind = kindOf(request);
      for (const { name } of request.outputs ?? []) kind.set(name, NaN);
    },
  };
}

/** Bytes of a tensor; NaN for BYTES, whose elements differ, and for what is no tensor. */
export function tensorBytes(datatype: string, shape: readonly number[]): number {
  if (!isDatatype(datatype) || datatype === "BYTES") return NaN;
  return shape.reduce((product, size) => product * size, ELEMENT_BYTES[datatype]);
}
