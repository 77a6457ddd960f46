import { createCodec } from "./codec.js";
import { modelVersionRequest } from "./health.js";
import { message, nested, optional, repeated } from "./message.js";
import { int32List } from "./packed-fields.js";
import { bool, count, int32, string } from "./scalar-fields.js";

/** Copies of a model that run at the same time. */
export interface InstanceGroup {
  name: string;
  count: number;
  /** 0 auto, 1 GPU, 2 CPU, 3 as the model says. */
  kind: number;
}

/** The server's own batching. */
export interface DynamicBatching {
  preferredBatchSize: number[];
  maxQueueDelayMicroseconds: number;
}

/** The settings of a model that decide how Sluice may batch for it. */
export interface ModelConfig {
  name: string;
  platform: string;
  /** 0: the model has no batch dimension. */
  maxBatchSize: number;
  instanceGroup: InstanceGroup[];
  /** Absent when the server does not batch by itself. */
  dynamicBatching?: DynamicBatching;
  backend: string;
  /** A decoupled model may answer any number of times and cannot be called with ModelInfer. */
  modelTransactionPolicy: { decoupled: boolean };
}

const instanceGroup = message<InstanceGroup>({ name: string(1), count: int32(2), kind: int32(4) });
const dynamicBatching = message<DynamicBatching>({
  preferredBatchSize: int32List(1),
  maxQueueDelayMicroseconds: count(2),
});
const transactionPolicy = message<{ decoupled: boolean }>({ decoupled: bool(1) });

/** Field numbers of Triton's model_config.proto, which are not in order of importance. */
const modelConfig = message<ModelConfig>({
  name: string(1),
  platform: string(2),
  maxBatchSize: int32(4),
  instanceGroup: repeated(7, instanceGroup),
  dynamicBatching: optional(11, dynamicBatching),
  backend: string(17),
  modelTransactionPolicy: nested(19, transactionPolicy),
});

/** ModelConfigRequest. */
export const modelConfigRequestCodec = createCodec("ModelConfigRequest", modelVersionRequest);
/** ModelConfigResponse. */
export const modelConfigResponseCodec = createCodec(
  "ModelConfigResponse",
  message<{ config: ModelConfig }>({ config: nested(1, modelConfig) }),
);
