import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  type BatchClass,
  type BlobReaper,
  type BlobStore,
  type Clock,
  createNoticeReader,
  type LiveSettings,
  type ModelRegistry,
  type RedisClient,
  type RedisTarget,
  type Service,
} from "@sluice/broker";
import type { Logger } from "pino";
import { createEndpoint } from "./endpoint.js";
import { createSlotHeartbeat } from "./heartbeat.js";
import { createLateWrites } from "./late-writes.js";
import { type GpuWorkerMetrics, observeGpuWorker } from "./metrics.js";
import { pause } from "./pause.js";
import { createImageDecoder } from "./preprocess/image-row.js";
import { createSlot, type Slot } from "./slot.js";
import { slotNames } from "./slot-name.js";
import { createSoloGate } from "./solo-gate.js";
import { connectTriton, type TritonConnectionOptions } from "./triton/connect-triton.js";

/** What a worker is made of; the caller starts and stops these. */
export interface GpuWorkerDeps {
  readonly target: RedisTarget;
  readonly redis: RedisClient;
  readonly models: ModelRegistry;
  readonly settings: LiveSettings;
  readonly blobs: BlobStore;
  readonly reaper: BlobReaper;
  readonly metrics: GpuWorkerMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Which endpoint it serves, and how. */
export interface GpuWorkerOptions {
  /** `host:port` of Triton's gRPC port. */
  readonly tritonUrl: string;
  /** Whether tensors may go through shared memory. @defaultValue "auto" */
  readonly sharedMemory?: TritonConnectionOptions["sharedMemory"];
  /** Certificates; plain text without. */
  readonly tls?: TritonConnectionOptions["tls"];
  readonly pool: string;
  /** Batches in flight. Two keep a device busy: one runs while the other is claimed, prepared or settled. */
  readonly slots: number;
  /** Pictures that are decoded at the same time. */
  readonly decodeConcurrency: number;
  /** How long `stop` waits for batches in hand before it gives them back. @defaultValue 10000 */
  readonly graceMs?: number;
}

/** Runs the batches of one pool on one Triton. */
export interface GpuWorker extends Service {
  /** Whether it takes batches now. */
  readonly isReady: () => boolean;
}

/** The most input bytes of one call: 64 pictures of 320 x 320 and more; Triton takes up to 2 GB. */
const MAX_BATCH_BYTES = 128 * 2 ** 20;
/** For what stands around the rows of a message, and for larger answers. */
const MESSAGE_SLACK_BYTES = 2 ** 20;
const GRACE_MS = 10_000;

/**
 * `start` resolves when the endpoint has been asked once; it need not be ready. `stop` finishes the batches in hand,
 * gives back what takes longer than the grace, and takes the slots off the list.
 */
export function createGpuWorker(deps: GpuWorkerDeps, options: GpuWorkerOptions): GpuWorker {
  const { redis, models, clock, log } = deps;
  const { pool } = options;
  const cutOff = new AbortController();
  const decoder = createImageDecoder({ concurrency: options.decodeConcurrency });
  const maxMessageBytes = MAX_BATCH_BYTES + MESSAGE_SLACK_BYTES;
  const { tritonUrl: url, sharedMemory = "auto", tls } = options;
  const client = connectTriton({ url, maxMessageBytes, sharedMemory, ...(tls && { tls }) }, log);
  const endpoint = createEndpoint({ client, decoder, models, log }, { pool, maxBatchBytes: MAX_BATCH_BYTES });
  const heartbeat = createSlotHeartbeat(redis, { pool }, log);
  const lateWrites = createLateWrites(clock, cutOff.signal);
  const shared = { ...deps, decoder, endpoint, heartbeat, lateWrites, gate: createSoloGate(), signal: cutOff.signal };
  const identity = { hostname: hostname(), pid: process.pid, random: randomBytes(6).toString("hex") };
  const slots = slotNames(identity, options.slots).map((name, index) => {
    const reader = createNoticeReader(deps.target, redis, pool, name);
    const classes = classesOf(index, options.slots);
    return createSlot({ ...shared, random: Math.random, reader }, { name, pool, classes });
  });
  observeGpuWorker(deps.metrics.registry, {
    endpointReady: endpoint.isReady,
    secondsSincePoll: () => slots.map((slot) => (clock.monotonicMs() - slot.lastPollMs()) / 1_000),
    pollAgesMs: () => ({
      settings: deps.settings.ageMs(),
      models: models.ageMs(),
      heartbeat: heartbeat.ageMs(),
      reaper: deps.reaper.ageMs(),
    }),
  });
  return {
    isReady: endpoint.isReady,
    async start() {
      await endpoint.start();
      await heartbeat.start();
      for (const slot of slots) await slot.start();
    },
    async stop() {
      await stopSlots(slots, { graceMs: options.graceMs ?? GRACE_MS, cutOff });
      cutOff.abort();
      await lateWrites.settled();
      await heartbeat.stop();
      await endpoint.stop();
    },
  };
}

/** The first slot is kept for `now`, so that bulk work never takes all. */
function classesOf(slot: number, slots: number): readonly BatchClass[] {
  return slot === 0 && slots > 1 ? ["now"] : ["now", "bulk"];
}

async function stopSlots(
  slots: readonly Slot[],
  { graceMs, cutOff }: { readonly graceMs: number; readonly cutOff: AbortController },
): Promise<void> {
  const stopped = new AbortController();
  const all = Promise.all(slots.map((slot) => slot.stop())).finally(() => stopped.abort());
  await pause(graceMs, stopped.signal);
  cutOff.abort();
  await all;
}
