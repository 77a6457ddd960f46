import type { BlobReaper, BlobStore } from "@sluice/broker";
import type { Logger } from "pino";
import type { ApiMetrics } from "../metrics.js";

/** Inputs that are too large for Redis. */
export interface TaskBlobs {
  /** Stores the input of a task. @throws BrokerError storage-unavailable */
  put(taskId: string, bytes: Uint8Array): Promise<void>;
  /** Deletes one that no run has, if it is there. Never fails: what is left is swept later. */
  drop(taskId: string): Promise<void>;
  /** Its run has ended: it goes when that cannot be undone any more. */
  retire(taskId: string): void;
}

/** What they lie in. */
export interface TaskBlobsDeps {
  readonly blobs: BlobStore;
  readonly reaper: Pick<BlobReaper, "add">;
  readonly metrics: ApiMetrics;
  readonly log: Logger;
}

/** The blob store as tasks use it. */
export function createTaskBlobs({ blobs, reaper, metrics, log }: TaskBlobsDeps): TaskBlobs {
  return {
    retire: (taskId) => reaper.add(taskId),
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
