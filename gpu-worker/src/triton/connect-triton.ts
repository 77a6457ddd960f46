import type { Logger } from "pino";
import { createSharedMemoryClient } from "./shared-memory/shared-memory-client.js";
import type { TlsFiles } from "./tls/tls-files.js";
import { createTlsSecurity } from "./tls/tls-security.js";
import { createTritonClient, type TritonClient, type TritonClientOptions } from "./triton-client.js";

/** How a worker talks to a Triton. */
export interface TritonConnectionOptions extends Omit<TritonClientOptions, "security"> {
  /** `auto`: large tensors go through shared memory where Triton sees ours. `off`: all go over gRPC. */
  readonly sharedMemory: "auto" | "off";
  /** Certificates; plain text without. */
  readonly tls?: TlsFiles;
}

/**
 * The client that a worker uses; it logs which way tensors go, and why there is no TLS where there is none.
 * @throws BrokerError config-invalid if certificates cannot be read or used.
 */
export function connectTriton({ sharedMemory, tls, ...options }: TritonConnectionOptions, log: Logger): TritonClient {
  const tritonLog = log.child({ triton: options.url });
  const security = tls && createTlsSecurity({ url: options.url, files: tls }, tritonLog);
  const client = createTritonClient({ ...options, ...(security && { security }) });
  // Only Linux keeps shared memory as files that can be written.
  if (sharedMemory === "off" || process.platform !== "linux") return client;
  return createSharedMemoryClient(client, tritonLog);
}
