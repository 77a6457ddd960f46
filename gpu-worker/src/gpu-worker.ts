import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import {
  type BlobReaper,
  type BlobStore,
  type Clock,
  createKnownZones,
  createLiveEndpoints,
  DEFAULT_ZONE,
  type EndpointAddress,
  type LiveSettings,
  type ModelRegistry,
  type RedisClient,
  type RedisTarget,
  type Service,
  siteOf,
} from "@sluice/broker";
import type { Logger } from "pino";
import { defaultMetricsUrl } from "./backpressure/metrics-url.js";
import { peerTimes } from "./endpoints/choose-endpoint.js";
import { planEndpoints, slotsOfWeight } from "./endpoints/endpoint-plan.js";
import {
  createEndpointRunner,
  type EndpointRunner,
  type EndpointRunnerDeps,
  type RunningSlot,
} from "./endpoints/endpoint-runner.js";
import { createEndpointSet, type EndpointSet } from "./endpoints/endpoint-set.js";
import type { HealthLimits } from "./health/endpoint-health.js";
import { createSlotHeartbeat } from "./heartbeat.js";
import { createLateWrites } from "./late-writes.js";
import { forgetEndpoint, type GpuWorkerMetrics, observeGpuWorker } from "./metrics.js";
import { pause } from "./pause.js";
import { createImageDecoder } from "./preprocess/image-row.js";
import { createSlotNames } from "./slot-name.js";
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

/** Which endpoints it serves, and how. */
export interface GpuWorkerOptions {
  /** The Tritons, each with a client, a retry budget and slots of its own. */
  readonly endpoints: readonly EndpointAddress[];
  /** `live`: those that operators name in Redis, too, while it runs. @defaultValue "fixed" */
  readonly endpointList?: "fixed" | "live";
  /** Whether tensors may go through shared memory. @defaultValue "auto" */
  readonly sharedMemory?: TritonConnectionOptions["sharedMemory"];
  /** Certificates; plain text without. */
  readonly tls?: TritonConnectionOptions["tls"];
  readonly pool: string;
  /** Where they are. @defaultValue `local` */
  readonly zone?: string;
  /** Their pages of metrics, by address. @defaultValue `/metrics` on port 8002 of the same host */
  readonly metricsUrls?: ReadonlyMap<string, string>;
  /** The most batches in flight on an endpoint of weight 1. How many there are is found out, and follows what it can take. */
  readonly slots: number;
  /** Pictures that are decoded at the same time. */
  readonly decodeConcurrency: number;
  /** When an endpoint is left alone. @defaultValue HEALTH_LIMITS */
  readonly health?: HealthLimits;
  /** How long `stop` waits for batches in hand before it gives them back. @defaultValue 10000 */
  readonly graceMs?: number;
}

/** Runs the batches of one pool on its Tritons. */
export interface GpuWorker extends Service {
  /** Whether any of them takes batches now. */
  readonly isReady: () => boolean;
}

type LiveEndpointOptions = Parameters<typeof createLiveEndpoints>[1];

/** The most input bytes of one call: 64 pictures of 320 x 320 and more; Triton takes up to 2 GB. */
const MAX_BATCH_BYTES = 128 * 2 ** 20;
/** For what stands around the rows of a message, and for larger answers. */
const MESSAGE_SLACK_BYTES = 2 ** 20;
const GRACE_MS = 10_000;
/** Two batches in flight keep a device busy: one runs while the other is claimed, prepared or settled. More may pay, or not. */
const FIRST_SLOTS = 2;

/**
 * `start` resolves when each endpoint has been asked once; none need be ready. `stop` finishes the batches in hand,
 * gives back what takes longer than the grace, and takes the slots off the list.
 */
export function createGpuWorker(deps: GpuWorkerDeps, options: GpuWorkerOptions): GpuWorker {
  const { redis, models, clock, log } = deps;
  const { pool, zone = DEFAULT_ZONE } = options;
  const site = siteOf(pool, zone);
  const zones = createKnownZones(redis, log, zone);
  const cutOff = new AbortController();
  const heartbeat = createSlotHeartbeat(redis, { pool: site }, log);
  const lateWrites = createLateWrites(clock, cutOff.signal);
  const allEndpoints = () => endpoints.runners().map(({ endpoint }) => endpoint);
  const shared = {
    ...deps,
    decoder: createImageDecoder({ concurrency: options.decodeConcurrency }),
    heartbeat,
    lateWrites,
    gate: createSoloGate(),
    random: Math.random,
    nextSlot: createSlotNames({ hostname: hostname(), pid: process.pid, random: randomBytes(6).toString("hex") }),
    allEndpoints,
    signal: cutOff.signal,
  };
  const endpoints: EndpointSet = createEndpointSet(
    {
      createRunner: (endpoint) => createRunner(shared, { ...options, site }, endpoint),
      onGone: (url) => forgetEndpoint(deps.metrics, url),
      log,
    },
    planEndpoints(options.endpoints, []),
  );
  const onChange: LiveEndpointOptions["onChange"] = (list) => endpoints.change(planEndpoints(options.endpoints, list));
  const live = options.endpointList === "live" ? createLiveEndpoints(redis, { pool: site, onChange }, log) : undefined;
  observeGpuWorker(deps.metrics.registry, {
    endpoints: allEndpoints,
    slots: () => endpoints.runners().flatMap(({ slots }) => slots.map((slot) => pollAgeOf(slot, clock))),
    refusedSettings: () => deps.settings.refusedCount(),
    pollAgesMs: () => ({
      settings: deps.settings.ageMs(),
      models: models.ageMs(),
      zones: zones.ageMs(),
      heartbeat: heartbeat.ageMs(),
      reaper: deps.reaper.ageMs(),
      ...(live && { endpoints: live.ageMs() }),
    }),
  });
  return {
    isReady: () => allEndpoints().some((endpoint) => endpoint.isReady() && endpoint.limit() > 0),
    async start() {
      await zones.start();
      await heartbeat.start();
      await endpoints.start();
      await live?.start();
    },
    async stop() {
      await live?.stop();
      await stopInTime(endpoints, { graceMs: options.graceMs ?? GRACE_MS, cutOff });
      await lateWrites.settled();
      await heartbeat.stop();
      await zones.stop();
    },
  };
}

function createRunner(
  shared: Omit<EndpointRunnerDeps, "client" | "peers">,
  options: GpuWorkerOptions & { readonly site: string },
  { url, weight }: EndpointAddress,
): EndpointRunner {
  const { pool, site, slots, health, sharedMemory = "auto", tls } = options;
  const maxMessageBytes = MAX_BATCH_BYTES + MESSAGE_SLACK_BYTES;
  const client = connectTriton({ url, maxMessageBytes, sharedMemory, ...(tls && { tls }) }, shared.log);
  const peers = (model: string) => peerTimes(shared.allEndpoints(), url, model);
  const firstSlots = Math.max(FIRST_SLOTS, Math.ceil(slots / 2));
  return createEndpointRunner(
    { ...shared, client, peers },
    {
      url,
      pool,
      site,
      maxBatchBytes: MAX_BATCH_BYTES,
      metricsUrl: options.metricsUrls?.get(url) ?? defaultMetricsUrl(url),
      slots: slotsOfWeight(slots, weight),
      firstSlots: slotsOfWeight(firstSlots, weight),
      ...(health && { health }),
    },
  );
}

function pollAgeOf({ number, lastPollMs }: RunningSlot, clock: Clock) {
  return { number, secondsSincePoll: (clock.monotonicMs() - lastPollMs()) / 1_000 };
}

async function stopInTime(
  endpoints: EndpointSet,
  { graceMs, cutOff }: { readonly graceMs: number; readonly cutOff: AbortController },
): Promise<void> {
  const stopped = new AbortController();
  const all = endpoints.stop().finally(() => stopped.abort());
  await pause(graceMs, stopped.signal);
  cutOff.abort();
  await all;
}
