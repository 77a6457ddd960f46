import type { Logger } from "pino";
import { createSharedMemoryClient } from "./shared-memory/shared-memory-client.js";
import { createTritonClient, type TritonClient, type TritonClientOptions } from "./triton-client.js";

/** How a worker talks to a Triton. */
export interface TritonConnectionOptions extends TritonClientOptions {
  /** `auto`: large tensors go through shared memory where Triton sees ours. `off`: all go over gRPC. */
  readonly sharedMemory: "auto" | "off";
}

/** The client that a worker uses; it logs which way tensors go, and why. */
export function connectTriton({ sharedMemory, ...options }: TritonConnectionOptions, log: Logger): TritonClient {
  const client = createTritonClient(options);
  // Only Linux keeps shared memory as files that can be written.
  if (sharedMemory === "off" || process.platform !== "linux") return client;
  return createSharedMemoryClient(client, log.child({ triton: options.url }));
}
