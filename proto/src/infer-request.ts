import { createCodec } from "./codec.js";
import { type InferParameters, parameters } from "./infer-parameter.js";
import { type InferTensor, inferTensor } from "./infer-tensor.js";
import { message, repeated } from "./message.js";
import { type RawContents, rawContents } from "./raw-contents.js";
import { string } from "./scalar-fields.js";

/** An output that the caller wants; without any the server sends all. */
export interface RequestedOutput {
  name: string;
  parameters?: InferParameters;
}

/** One inference. */
export interface InferRequest {
  modelName: string;
  modelVersion?: string;
  /** Comes back in the response. */
  id?: string;
  parameters?: InferParameters;
  inputs: InferTensor[];
  outputs?: RequestedOutput[];
  /** The bytes of each input, in the order of `inputs`. */
  rawInputContents: RawContents[];
}

const requestedOutput = message<RequestedOutput>({ name: string(1), parameters: parameters(2) });

/** ModelInferRequest. */
export const inferRequestCodec = createCodec(
  "ModelInferRequest",
  message<InferRequest>({
    modelName: string(1),
    modelVersion: string(2),
    id: string(3),
    parameters: parameters(4),
    inputs: repeated(5, inferTensor),
    outputs: repeated(6, requestedOutput),
    rawInputContents: rawContents(7),
  }),
);
