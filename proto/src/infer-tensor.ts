import { type InferParameters, parameters } from "./infer-parameter.js";
import { message } from "./message.js";
import { int64List } from "./packed-fields.js";
import { string } from "./scalar-fields.js";

/** What a raw tensor is: the head of an input or an output, whose bytes stand in the raw contents at the same place. */
export interface InferTensor {
  name: string;
  /** By its name in the KServe v2 protocol: FP32, INT64, BYTES... */
  datatype: string;
  /** With the batch dimension first. */
  shape: number[];
  parameters?: InferParameters;
}

/** InferInputTensor and InferOutputTensor, which are alike. */
export const inferTensor = message<InferTensor>({
  name: string(1),
  datatype: string(2),
  shape: int64List(3),
  parameters: parameters(4),
});
