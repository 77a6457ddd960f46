export { type Codec, CodecError } from "./codec.js";
export {
  type EmptyMessage,
  modelReadyRequestCodec,
  modelReadyResponseCodec,
  type ModelVersionRequest,
  serverLiveRequestCodec,
  serverLiveResponseCodec,
  serverReadyRequestCodec,
  serverReadyResponseCodec,
} from "./health.js";
export type { InferParameter, InferParameters } from "./infer-parameter.js";
export { type InferRequest, inferRequestCodec, type RequestedOutput } from "./infer-request.js";
export { type InferResponse, inferResponseCodec } from "./infer-response.js";
export type { InferTensor } from "./infer-tensor.js";
export {
  type DynamicBatching,
  type InstanceGroup,
  type ModelConfig,
  modelConfigRequestCodec,
  modelConfigResponseCodec,
} from "./model-config.js";
export {
  type ModelMetadata,
  modelMetadataRequestCodec,
  modelMetadataResponseCodec,
  type TensorMetadata,
} from "./model-metadata.js";
export {
  type BatchStatistics,
  type InferStatistics,
  type ModelStatistics,
  modelStatisticsRequestCodec,
  modelStatisticsResponseCodec,
  type StatisticDuration,
} from "./model-statistics.js";
export type { RawContents } from "./raw-contents.js";
export {
  type ModelIndex,
  type RepositoryIndexRequest,
  repositoryIndexRequestCodec,
  repositoryIndexResponseCodec,
} from "./repository-index.js";
export { serviceMethods, type UnaryMethod } from "./service-methods.js";
export {
  type SharedMemoryRegion,
  type SharedMemoryRegionName,
  sharedMemoryRegisterRequestCodec,
  sharedMemoryRegisterResponseCodec,
  sharedMemoryStatusRequestCodec,
  sharedMemoryStatusResponseCodec,
  sharedMemoryUnregisterRequestCodec,
  sharedMemoryUnregisterResponseCodec,
} from "./shared-memory.js";
