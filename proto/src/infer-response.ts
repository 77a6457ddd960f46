import { createCodec } from "./codec.js";
import { type InferParameters, parameters } from "./infer-parameter.js";
import { type InferTensor, inferTensor } from "./infer-tensor.js";
import { message, repeated } from "./message.js";
import { byteViews } from "./raw-contents.js";
import { string } from "./scalar-fields.js";

/** The answer to one inference. */
export interface InferResponse {
  modelName: string;
  modelVersion: string;
  id: string;
  parameters: InferParameters;
  outputs: InferTensor[];
  /** The bytes of each output, in the order of `outputs`: views on the received message. */
  rawOutputContents: Uint8Array[];
}

/** ModelInferResponse. */
export const inferResponseCodec = createCodec(
  "ModelInferResponse",
  message<InferResponse>({
    modelName: string(1),
    modelVersion: string(2),
    id: string(3),
    parameters: parameters(4),
    outputs: repeated(5, inferTensor),
    rawOutputContents: byteViews(6),
  }),
);
