import { createCodec } from "./codec.js";
import { modelVersionRequest } from "./health.js";
import { message, repeated } from "./message.js";
import { int64List } from "./packed-fields.js";
import { string, strings } from "./scalar-fields.js";

/** An input or output that a model declares. */
export interface TensorMetadata {
  name: string;
  datatype: string;
  /** With the batch dimension, if the model batches; -1 is a size that each request chooses. */
  shape: number[];
}

/** What a model takes and gives. */
export interface ModelMetadata {
  name: string;
  /** The versions that can serve now. */
  versions: string[];
  platform: string;
  inputs: TensorMetadata[];
  outputs: TensorMetadata[];
}

const tensorMetadata = message<TensorMetadata>({ name: string(1), datatype: string(2), shape: int64List(3) });

/** ModelMetadataRequest. */
export const modelMetadataRequestCodec = createCodec("ModelMetadataRequest", modelVersionRequest);
/** ModelMetadataResponse. */
export const modelMetadataResponseCodec = createCodec(
  "ModelMetadataResponse",
  message<ModelMetadata>({
    name: string(1),
    versions: strings(2),
    platform: string(3),
    inputs: repeated(4, tensorMetadata),
    outputs: repeated(5, tensorMetadata),
  }),
);
