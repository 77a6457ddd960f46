import { BrokerError, type ModelDefinition } from "@sluice/broker";
import { exampleInput } from "./example-input.js";
import { prepareRows } from "./prepare-rows.js";
import type { ImageDecoder } from "./preprocess/image-row.js";
import { buildInferRequest, splitInferResponse } from "./triton/batch-tensors.js";
import { troubleOf } from "./triton/infer-error.js";
import type { RowTensor } from "./triton/row-tensor.js";
import type { CallLimits, TritonClient } from "./triton/triton-client.js";

/** Tells a broken model from a bad input. */
export interface KnownGood {
  /** Whether there is an example that can be run. */
  has(model: ModelDefinition): Promise<boolean>;
  /**
   * Runs the model's example alone, once.
   * @returns whether the model answered it; undefined if there is none, or the model calls it bad data: then it proves
   * nothing. Neither does a call that was taken back, or had no time.
   */
  works(model: ModelDefinition, limits: CallLimits): Promise<boolean | undefined>;
}

/** Prepares each model's example when it is first needed, and keeps it as long as the definition lives. */
export function createKnownGood(client: Pick<TritonClient, "infer">, decoder: ImageDecoder): KnownGood {
  const prepared = new WeakMap<ModelDefinition, RowTensor | BrokerError>();
  const rowOf = async (model: ModelDefinition): Promise<RowTensor | undefined> => {
    const input = exampleInput(model);
    if (!input) return undefined;
    const row = prepared.get(model) ?? (await prepareRows(model, [input], decoder))[0];
    if (row) prepared.set(model, row);
    return row instanceof BrokerError ? undefined : row;
  };
  return {
    has: async (model) => (await rowOf(model)) !== undefined,
    async works(model, limits) {
      const row = await rowOf(model);
      if (!row) return undefined;
      try {
        const response = await client.infer(buildInferRequest(model, [row], "known-good"), limits);
        return splitInferResponse(model, response, 1)[0]?.state === "SUCCESS";
      } catch (error) {
        // Whoever took the call back, or ran out of time, has not heard of the model.
        if (limits.signal?.aborted || isTimeUp(error)) return undefined;
        return troubleOf(error) === "data" ? undefined : false;
      }
    },
  };
}

function isTimeUp(error: unknown): boolean {
  return error instanceof BrokerError && error.details["status"] === "DEADLINE_EXCEEDED";
}
