import type { BlobStore } from "@sluice/broker";
import type { Logger } from "pino";
import type { ApiMetrics } from "../metrics.js";

/** Inputs that are too large for Redis. */
export interface TaskBlobs {
  /** Stores the input of a task. @throws BrokerError storage-unavailable */
  put(taskId: string, bytes: Uint8Array): Promise<void>;
  /** Deletes it if it is there. Never fails: what is left is swept later. */
  drop(taskId: string): Promise<void>;
}

/** The blob store as tasks use it. */
export function createTaskBlobs(blobs: BlobStore, metrics: ApiMetrics, log: Logger): TaskBlobs {
  return {
    async put(taskId, bytes) {
      await blobs.put(taskId, bytes);
      metrics.blobWritten(bytes.byteLength);
    },
    async drop(taskId) {
      try {
        await blobs.delete(taskId);
      } catch (error) {
        log.warn({ err: error, taskId }, "blob not deleted; it is swept later");
      }
    },
  };
}
