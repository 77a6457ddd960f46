import type { Codec } from "./codec.js";
import * as health from "./health.js";
import { inferRequestCodec } from "./infer-request.js";
import { inferResponseCodec } from "./infer-response.js";
import { modelConfigRequestCodec, modelConfigResponseCodec } from "./model-config.js";
import { modelMetadataRequestCodec, modelMetadataResponseCodec } from "./model-metadata.js";
import { modelStatisticsRequestCodec, modelStatisticsResponseCodec } from "./model-statistics.js";
import { repositoryIndexRequestCodec, repositoryIndexResponseCodec } from "./repository-index.js";
import * as sharedMemory from "./shared-memory.js";

/** A unary method in the form that grpc-js takes, for clients and for servers. */
export interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (response: Response) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** All methods that Sluice calls, by name. */
export const serviceMethods = {
  serverLive: unary("ServerLive", health.serverLiveRequestCodec, health.serverLiveResponseCodec),
  serverReady: unary("ServerReady", health.serverReadyRequestCodec, health.serverReadyResponseCodec),
  modelReady: unary("ModelReady", health.modelReadyRequestCodec, health.modelReadyResponseCodec),
  modelMetadata: unary("ModelMetadata", modelMetadataRequestCodec, modelMetadataResponseCodec),
  modelConfig: unary("ModelConfig", modelConfigRequestCodec, modelConfigResponseCodec),
  modelStatistics: unary("ModelStatistics", modelStatisticsRequestCodec, modelStatisticsResponseCodec),
  modelInfer: unary("ModelInfer", inferRequestCodec, inferResponseCodec),
  repositoryIndex: unary("RepositoryIndex", repositoryIndexRequestCodec, repositoryIndexResponseCodec),
  sharedMemoryStatus: unary(
    "SystemSharedMemoryStatus",
    sharedMemory.sharedMemoryStatusRequestCodec,
    sharedMemory.sharedMemoryStatusResponseCodec,
  ),
  sharedMemoryRegister: unary(
    "SystemSharedMemoryRegister",
    sharedMemory.sharedMemoryRegisterRequestCodec,
    sharedMemory.sharedMemoryRegisterResponseCodec,
  ),
  sharedMemoryUnregister: unary(
    "SystemSharedMemoryUnregister",
    sharedMemory.sharedMemoryUnregisterRequestCodec,
    sharedMemory.sharedMemoryUnregisterResponseCodec,
  ),
} as const;

function unary<Request, Response>(
  name: string,
  request: Codec<Request>,
  response: Codec<Response>,
): UnaryMethod<Request, Response> {
  return {
    path: `/inference.GRPCInferenceService/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (value) => toBuffer(request.encode(value)),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (value) => toBuffer(response.encode(value)),
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

/** The same bytes as a Buffer, which grpc-js needs, without a copy. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
