import {
  type ChannelCredentials,
  Client,
  credentials as grpcCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { BrokerError } from "@sluice/broker";
import {
  type InferRequest,
  type InferResponse,
  type ModelConfig,
  type ModelIndex,
  type ModelMetadata,
  type ModelStatistics,
  serviceMethods,
  type SharedMemoryRegion,
  type UnaryMethod,
} from "@sluice/proto";
import { toInferError } from "./infer-error.js";
import { createRenewedClient, type RenewedClient } from "./renewed-client.js";

/** Where a Triton is and how to talk to it. */
export interface TritonClientOptions {
  /** `host:port` of its gRPC port, or another target that gRPC knows (`unix:/path`, `dns:///host:port`). */
  readonly url: string;
  /** Plain text without. */
  readonly security?: ChannelSecurity;
  /** Largest request and largest response. Triton's own limit is 2 GB. @defaultValue 64 MiB */
  readonly maxMessageBytes?: number;
  /** Longest pause between attempts to connect again. @defaultValue 1000 */
  readonly maxReconnectMs?: number;
  /**
   * Pause between pings while calls are on their way; a ping unanswered for half as long ends the connection and its
   * calls. Triton ends it after five pings during which it had nothing to say: with 10 s, a lone call of 50 s.
   * @defaultValue 10000
   */
  readonly keepaliveMs?: number;
  /** After so long without an answer to anything, a call that stays unanswered makes a new connection. @defaultValue 3000 */
  readonly silenceMs?: number;
}

/** What makes connections secure; the client closes it when it is closed. */
export interface ChannelSecurity {
  /** For the next connection. */
  credentials(): ChannelCredentials;
  /** The name that the server's certificate must have; that in the URL if absent. */
  readonly serverName?: string;
  /** `renew` is to be called when other credentials hold: calls in flight go on, new ones get a new connection. */
  whenChanged(renew: () => void): void;
  /** Why no connection can be made, if that is for security: one sentence. Never rejects. */
  explain(): Promise<string | undefined>;
  close(): void;
}

/** How long one call may take. */
export interface CallLimits {
  /** Milliseconds from now until the call fails with DEADLINE_EXCEEDED; Triton is told, and drops what it has not begun. */
  readonly deadlineMs: number;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
}

/**
 * The calls that Sluice makes to one Triton, over one connection that is kept and comes back by itself.
 * Each is tried once and rejects with a BrokerError (see infer-error.ts for its codes).
 */
export interface TritonClient {
  /** Runs a batch. @throws BrokerError input-rejected, without a call, for a batch above `maxMessageBytes`. */
  infer(request: InferRequest, limits: CallLimits): Promise<InferResponse>;
  serverLive(limits: CallLimits): Promise<boolean>;
  serverReady(limits: CallLimits): Promise<boolean>;
  /** Whether a model can serve; false too when the server does not know it. */
  modelReady(name: string, version: string, limits: CallLimits): Promise<boolean>;
  modelMetadata(name: string, version: string, limits: CallLimits): Promise<ModelMetadata>;
  modelConfig(name: string, version: string, limits: CallLimits): Promise<ModelConfig>;
  /** Counters of every version of a model, or of all models for an empty name. */
  modelStatistics(name: string, limits: CallLimits): Promise<ModelStatistics[]>;
  /** The models in the server's repositories, loaded or not. */
  repositoryIndex(limits: CallLimits): Promise<ModelIndex[]>;
  /** The shared memory that the server knows, by name; all of it, or the region of one name: the server fails if it knows none so named. */
  sharedMemoryStatus(name: string, limits: CallLimits): Promise<Map<string, SharedMemoryRegion>>;
  /** Makes the server map a region. It fails if the server does not see the file, or knows the name already. */
  sharedMemoryRegister(region: SharedMemoryRegion, limits: CallLimits): Promise<void>;
  /** Makes the server forget a region, which need not be known. */
  sharedMemoryUnregister(name: string, limits: CallLimits): Promise<void>;
  /** Takes no more calls, lets those in flight end, then closes the connection. Never rejects; may come twice. */
  close(): Promise<void>;
}

/** A client; it connects with its first call. */
export function createTritonClient(options: TritonClientOptions): TritonClient {
  const { security, maxMessageBytes = 64 * 2 ** 20, maxReconnectMs = 1000, keepaliveMs = 10_000 } = options;
  const channelOptions = {
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.max_receive_message_length": maxMessageBytes,
    // Retries are decided where the batch is known; these would also keep a copy of each request.
    "grpc.enable_retries": 0,
    "grpc.initial_reconnect_backoff_ms": Math.min(100, maxReconnectMs),
    "grpc.max_reconnect_backoff_ms": maxReconnectMs,
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": Math.ceil(keepaliveMs / 2),
    // How much of a response may be on its way: with HTTP/2's 64 KiB, 19 MB there and back took 101 ms instead of 59.
    "grpc-node.flow_control_window": 4 * 2 ** 20,
    // A client of its own sees its own back-off, and closing it closes its connection.
    "grpc.use_local_subchannel_pool": 1,
    // The endpoint is inside: neither a proxy for the web nor settings in DNS are meant for it.
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    ...(security?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": security.serverName }),
  };
  const open = (): Client =>
    new Client(options.url, security?.credentials() ?? grpcCredentials.createInsecure(), channelOptions);
  const client = createRenewedClient(open, options.silenceMs ?? 3_000);
  security?.whenChanged(() => client.renew());
  const call = createCall(client, security);
  return {
    infer: async (request, limits) => {
      requireFits(request, maxMessageBytes);
      return await call(serviceMethods.modelInfer, request, limits);
    },
    serverLive: async (limits) => (await call(serviceMethods.serverLive, {}, limits)).live,
    serverReady: async (limits) => (await call(serviceMethods.serverReady, {}, limits)).ready,
    modelReady: async (name, version, limits) =>
      (await call(serviceMethods.modelReady, { name, version }, limits)).ready,
    modelMetadata: (name, version, limits) => call(serviceMethods.modelMetadata, { name, version }, limits),
    modelConfig: async (name, version, limits) =>
      (await call(serviceMethods.modelConfig, { name, version }, limits)).config,
    modelStatistics: async (name, limits) => (await call(serviceMethods.modelStatistics, { name }, limits)).modelStats,
    repositoryIndex: async (limits) => (await call(serviceMethods.repositoryIndex, {}, limits)).models,
    sharedMemoryStatus: async (name, limits) =>
      (await call(serviceMethods.sharedMemoryStatus, { name }, limits)).regions,
    sharedMemoryRegister: async (region, limits) =>
      void (await call(serviceMethods.sharedMemoryRegister, region, limits)),
    sharedMemoryUnregister: async (name, limits) =>
      void (await call(serviceMethods.sharedMemoryUnregister, { name }, limits)),
    async close() {
      security?.close();
      client.close();
    },
  };
}

/** Calls a method once. */
type Call = <Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  limits: CallLimits,
) => Promise<Response>;

function createCall(client: RenewedClient, security: ChannelSecurity | undefined): Call {
  return async (method, request, limits) => {
    try {
      const response = await callOnce(client.current(), method, request, limits);
      client.heard();
      return response;
    } catch (error) {
      if (isServiceError(error) && error.code === status.DEADLINE_EXCEEDED) client.unanswered();
      else if (isServiceError(error) && error.code !== status.CANCELLED) client.heard();
      if (isServiceError(error)) {
        const reason = error.code === status.UNAVAILABLE ? await security?.explain() : undefined;
        throw toInferError(error, method.path, reason);
      }
      throw new BrokerError("endpoint-unavailable", `${method.path} was not called: ${String(error)}`, {
        cause: error,
      });
    }
  };
}

/** @throws ServiceError if the call fails; whatever aborted `signal` or closed the client, if there is no call. */
function callOnce<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: UnaryMethod<Request, Response>,
  request: Request,
  { deadlineMs, signal }: CallLimits,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const deadline = Date.now() + deadlineMs;
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      { deadline },
      (error, response) => {
        signal?.removeEventListener("abort", cancel);
        if (error) reject(error);
        else resolve(response as Response);
      },
    );
    const cancel = () => {
      call.cancel();
    };
    signal?.addEventListener("abort", cancel);
  });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "details" in error;
}

/** A batch that is too large is the fault of its rows, not of the endpoint: half of it may fit. */
function requireFits({ rawInputContents }: InferRequest, maxMessageBytes: number): void {
  const bytes = rawInputContents.flat().reduce((sum, piece) => sum + (piece as Uint8Array).length, 0);
  if (bytes + HEAD_BYTES > maxMessageBytes) {
    throw new BrokerError("input-rejected", `a batch of ${bytes} bytes does not fit one message of ${maxMessageBytes}`);
  }
}

/** Room for the names and shapes of a request, which take some hundred bytes. */
const HEAD_BYTES = 4096;
