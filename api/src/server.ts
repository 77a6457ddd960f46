import {
  type BlobStore,
  type Clock,
  type ConfirmedWrites,
  createBlobReaper,
  createKnownZones,
  DEFAULT_ZONE,
  type DoneEvents,
  type LiveSettings,
  type ModelRegistry,
  type RedisClient,
  type ServerWatch,
  type Service,
} from "@sluice/broker";
import { connect } from "node:net";
import type { Logger } from "pino";
import { createApp } from "./app.js";
import { createBlobSweeper } from "./blobs/blob-sweeper.js";
import { createBodyIntake } from "./http/body-intake.js";
import { createHttpServer, type HttpServerOptions } from "./http/http-server.js";
import { createRouteWrapper } from "./http/route.js";
import { type Identify, identifyNobody } from "./identity/identify.js";
import { createImageFetcher, type FetchImage, refuseImageUrls } from "./images/fetch-image.js";
import { createTlsStarter } from "./images/pinned-connector.js";
import { createHostResolver } from "./images/resolve-host.js";
import { NOTHING_MORE, type UrlAllowance } from "./images/url-allowance.js";
import { type FetchObject, refuseS3Objects } from "./images/s3-source.js";
import { createUrlGuard } from "./images/url-guard.js";
import { createApiMetrics } from "./metrics.js";
import { MAX_IMAGE_BYTES } from "./submission/image-limits.js";
import { createLoadWatch } from "./tasks/load-watch.js";
import { createMemoryWatch } from "./tasks/memory-watch.js";
import { createPoolWatch } from "./tasks/pool-watch.js";
import { createTaskBlobs } from "./tasks/task-blobs.js";
import { createTaskReader } from "./tasks/task-reader.js";
import { createWaitsByOwner } from "./tasks/waits-by-owner.js";
import { createTaskWaits } from "./tasks/task-waits.js";

/** What the api works with. Its owner connects Redis, and closes it after `stop`; the other services it starts itself. */
export interface ApiDeps {
  readonly redis: RedisClient;
  /** Admissions go through it. */
  readonly writes: ConfirmedWrites;
  readonly servers: ServerWatch;
  readonly doneEvents: DoneEvents;
  readonly models: ModelRegistry;
  readonly settings: LiveSettings;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly identify?: Identify;
  /** Fetches inputs from S3. @defaultValue no bucket is allowed */
  readonly fetchObject?: FetchObject;
}

const BODY_BUDGET_BYTES = 512 * 1024 * 1024;

/** How it runs. */
export interface ApiOptions extends HttpServerOptions {
  /** Of the tasks that are submitted here. @defaultValue `local` */
  readonly zone?: string;
  /** What the bodies of all requests may have together; above it submissions are refused. @defaultValue 512 MiB */
  readonly bodyBudgetBytes?: number;
  /** Whose images are fetched from URLs beside those of public hosts; `off`: none. @defaultValue nobody's */
  readonly imageUrls?: UrlAllowance | "off";
  /**
   * How long a stopping api still takes connections and answers on all it has, milliseconds. Longer than balancers need
   * to notice that it is not ready, and than clients leave a connection idle before they use it again.
   */
  readonly drainMs: number;
  /** How long the input of a run is kept after its end, milliseconds. @defaultValue that of `createBlobReaper` */
  readonly blobGraceMs?: number;
}

/** The HTTP role. */
export interface Api extends Service {
  /** Base address, `http://HOST:PORT`, once started. */
  readonly url: string;
  /** How many requests wait for a result now. */
  waitCount(): number;
}

/**
 * Builds the HTTP role. `stop` in this order: not ready any more, new submissions are refused, whoever waits for a
 * result is answered with what is known, and every answer closes its connection; after `drainMs` bodies that are still
 * coming are refused, nobody can connect any more, connections that stayed idle are closed; then the rest.
 */
export function createApi(deps: ApiDeps, options: ApiOptions): Api {
  let listening = false;
  let draining = false;
  let stopping: Promise<void> | undefined;
  const { http, waits, intake, parts } = assemble(deps, options, () => draining);
  return {
    get url() {
      return http.url;
    },
    waitCount: waits.count,
    async start() {
      if (draining) return;
      for (const part of parts) await part.start();
      listening = true;
      deps.log.info({ url: http.url }, "api listens");
    },
    async stop() {
      await (stopping ??= drain());
    },
  };

  async function drain(): Promise<void> {
    draining = true;
    waits.drain();
    if (listening) await new Promise((resolve) => setTimeout(resolve, options.drainMs));
    intake.stop();
    for (const part of [...parts].reverse()) await part.stop();
  }
}

function assemble(deps: ApiDeps, options: ApiOptions, isDraining: () => boolean) {
  const { redis, writes, servers, doneEvents, models, settings, clock, log, identify = identifyNobody } = deps;
  const isIdentityOff = identify === identifyNobody;
  const mostPerOwner = () => (isIdentityOff ? 0 : settings.current().forAll.limitsWaitsPerCaller);
  const waits = createTaskWaits(doneEvents, clock, { byOwner: createWaitsByOwner(mostPerOwner) });
  const intake = createBodyIntake(options.bodyBudgetBytes ?? BODY_BUDGET_BYTES);
  const { zone = DEFAULT_ZONE } = options;
  const zones = createKnownZones(redis, log, zone);
  const pools = createPoolWatch({ redis, models, zones, clock, log });
  const loads = createLoadWatch({ redis, models, zones, clock, log });
  const memory = createMemoryWatch({ redis, clock, log });
  const reaper = createBlobReaper(
    { writes, blobs: deps.blobs, clock, log },
    options.blobGraceMs === undefined ? {} : { graceMs: options.blobGraceMs },
  );
  const pollAgesMs = () => ({
    settings: settings.ageMs(),
    models: models.ageMs(),
    servers: servers.ageMs(),
    zones: zones.ageMs(),
    pools: pools.ageMs(),
    loads: loads.ageMs(),
    memory: memory.ageMs(),
    subscription: doneEvents.ageMs(),
    reaper: reaper.ageMs(),
  });
  const refusedSettings = () => settings.refusedCount();
  const metrics = createApiMetrics({ waits: waits.count, bodyBytes: intake.heldBytes, refusedSettings, pollAgesMs });
  const blobs = createTaskBlobs({ blobs: deps.blobs, reaper, metrics, log });
  const read = createTaskReader({ redis, writes, blobs });
  const sweeper = createBlobSweeper({ redis, blobs: deps.blobs, reaper, log });
  const fetchImage = createFetchImage(options.imageUrls);
  const { fetchObject = refuseS3Objects } = deps;
  const inner = { pools, loads, memory, blobs, metrics, intake, waits, read };
  const appDeps = { ...deps, ...inner, blobStore: deps.blobs, zone, identify, fetchImage, fetchObject, isDraining };
  const http = createHttpServer(createApp(appDeps, createRouteWrapper({ metrics, log, isDraining })), options);
  const parts: readonly Service[] = [
    servers,
    writes,
    settings,
    models,
    doneEvents,
    zones,
    pools,
    loads,
    memory,
    waits,
    reaper,
    sweeper,
    http,
  ];
  return { http, waits, intake, parts };
}

function createFetchImage(imageUrls: UrlAllowance | "off" = NOTHING_MORE): FetchImage {
  if (imageUrls === "off") return refuseImageUrls;
  const deps = {
    guard: createUrlGuard(imageUrls),
    resolve: createHostResolver(),
    open: connect,
    startTls: createTlsStarter(),
  };
  return createImageFetcher(deps, { maxBytes: MAX_IMAGE_BYTES });
}
