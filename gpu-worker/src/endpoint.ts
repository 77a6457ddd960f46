import { type BrokerError, createPoller, type ModelRegistry, type Service } from "@sluice/broker";
import {
  createEndpointPressure,
  type EndpointPressureDeps,
  type EndpointPressureOptions,
  type PressureFigures,
} from "./backpressure/endpoint-pressure.js";
import type { PressureReason } from "./backpressure/slots-aimd.js";
import { SlotTurns } from "./endpoints/slot-turns.js";
import type { BreakerState } from "./health/breaker.js";
import {
  EndpointHealth,
  HEALTH_LIMITS,
  type HealthLimits,
  type Peers,
  type Rotation,
} from "./health/endpoint-health.js";
import { formatModelKey } from "./health/model-key.js";
import { probeEndpoint } from "./health/probe-endpoint.js";
import { Silence } from "./health/silence.js";
import { watchClient, type WatchedClient } from "./health/watched-client.js";
import { createKnownGood, type KnownGood } from "./known-good.js";
import type { GpuWorkerMetrics } from "./metrics.js";
import type { ImageDecoder } from "./preprocess/image-row.js";
import { createRetryBudget, type RetryBudget } from "./retry-budget.js";
import type { TritonClient } from "./triton/triton-client.js";

/** How often the endpoint is asked whether it is ready. */
const PROBE_MS = 250;
/** How often it is looked whether it answers, and in time. */
const LOOK_MS = 50;
/** One probe may fail by chance; the slots of an endpoint that leave and come back cost admissions. */
const FAILURES_TO_BE_DOWN = 2;

/** One Triton, as the slots in front of it see it. Models are named by their keys (`formatModelKey`). */
export interface Endpoint extends Service {
  /** `host:port`, its name. */
  readonly url: string;
  /** Whether it can serve any model of the pool. A slot pulls only while it can: a dead Triton leaves work where it is. */
  readonly isReady: () => boolean;
  /** How many of its slots may be active now. */
  readonly limit: () => number;
  /** Whether a slot that has no batch may pull one. */
  readonly mayPull: (index: number) => boolean;
  /** A slot has a batch; what it answers is called when the slot is free again. */
  readonly slotTakes: (index: number) => () => void;
  /** Whether it is to begin nothing more; it may be taken back. */
  readonly drain: (isDraining: boolean) => void;
  /** A batch is to run there; what it answers is called when the batch has ended, with the rows that were served. */
  readonly batchBegins: () => (rows: number) => void;
  /** What its limit comes from. */
  readonly pressure: () => PressureFigures;
  /** Lets a batch of a model in; undefined while the breaker of that model is open here. */
  readonly admit: (model: string) => EndpointPlace | undefined;
  /** It was found to blame for what a model did not do. @param isProven not even an input that is known to be good was done. */
  readonly blamed: (model: string, isProven: boolean) => void;
  /** Batches that are in. */
  readonly inHand: () => number;
  /** How much longer than usual a model takes here; undefined if it is not to be run here. */
  readonly stretch: (model: string) => number | undefined;
  /** Milliseconds that so many rows usually take here; undefined if that is not known. */
  readonly usualMs: (model: string, rows: number) => number | undefined;
  /** Of the models that were used here. */
  readonly breakers: () => readonly { readonly model: string; readonly state: BreakerState }[];
  readonly client: Pick<TritonClient, "infer">;
  readonly budget: RetryBudget;
  readonly knownGood: KnownGood;
  /** The most input bytes of one call. */
  readonly maxBatchBytes: number;
}

/** A batch's place at an endpoint. */
export interface EndpointPlace {
  /** The batch must be given back: the endpoint is dead, or the process must end. */
  readonly signal: AbortSignal;
  /** The batch has ended. */
  readonly end: () => void;
}

/** What an endpoint is made of. */
export interface EndpointDeps extends Omit<EndpointPressureDeps, "client" | "onDecrease"> {
  readonly client: TritonClient;
  readonly decoder: ImageDecoder;
  readonly models: ModelRegistry;
  readonly metrics: Pick<GpuWorkerMetrics, "slotsDecreased">;
  readonly peers: Peers;
  /** The process must end. */
  readonly signal: AbortSignal;
}

/** Which models it serves, and how. */
export interface EndpointOptions extends EndpointPressureOptions {
  readonly url: string;
  readonly pool: string;
  readonly maxBatchBytes: number;
  /** @defaultValue HEALTH_LIMITS */
  readonly health?: HealthLimits;
}

/**
 * Probes a Triton. `start` has asked it once; `stop` waits for what runs there for slots of others, and closes the client.
 */
export function createEndpoint(deps: EndpointDeps, options: EndpointOptions): Endpoint {
  const { clock, log, models } = deps;
  const { health: limits = HEALTH_LIMITS } = options;
  const health = new EndpointHealth(deps.peers, limits);
  const silence = new Silence(LOOK_MS);
  const onDecrease = (reason: PressureReason): void =>
    deps.metrics.slotsDecreased.inc({ endpoint: options.url, reason });
  const pressure = createEndpointPressure({ ...deps, onDecrease }, options);
  const client = watchClient(deps.client, pressure.client, { health, silence, clock });
  const places = createPlaces(deps.signal);
  const readiness = createReadiness({ client, models, log }, options.pool);
  let draining = false;
  const look = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    for (const model of health.look(nowMs)) places.takeBack(model);
    if (silence.look(nowMs) < limits.silenceMs) return;
    readiness.lost();
    places.takeBack();
  };
  const pollers = [createPoller(readiness.probe, PROBE_MS, log), createPoller(look, LOOK_MS, log)];
  const turns = new SlotTurns();
  const rotation = (): Rotation =>
    draining ? "none" : health.rotation(clock.monotonicMs(), modelsOf(models, options.pool));
  return {
    url: options.url,
    client,
    limit: () => ({ all: pressure.slots(), one: 1, none: 0 })[rotation()],
    mayPull: (index) => turns.mayPull(index, rotation(), pressure.slots()),
    slotTakes: (index) => turns.takes(index),
    batchBegins: pressure.batchBegins,
    pressure: pressure.figures,
    drain: (isDraining) => void (draining = isDraining),
    admit: (model) => places.enter(model, health.admit(model, clock.monotonicMs())),
    blamed: (model, isProven) => {
      if (health.blamed(model, isProven, clock.monotonicMs())) places.takeBack(model);
    },
    inHand: places.count,
    stretch: (model) => health.stretch(model, clock.monotonicMs()),
    usualMs: (model, rows) => health.usualMs(model, rows),
    breakers: () => health.states(clock.monotonicMs()),
    budget: createRetryBudget(),
    knownGood: watchKnownGood(deps, (model) => health.failed(model, clock.monotonicMs())),
    maxBatchBytes: options.maxBatchBytes,
    isReady: readiness.isReady,
    async start() {
      await readiness.probe();
      for (const poller of pollers) await poller.start();
      await pressure.start();
    },
    async stop() {
      draining = true;
      // Whoever watches the endpoint takes back what hangs.
      await places.empty();
      await pressure.stop();
      for (const poller of pollers) await poller.stop();
      readiness.lost();
      places.close();
      await deps.client.close();
    },
  };
}

function modelsOf(models: ModelRegistry, pool: string): string[] {
  return models.all().flatMap((model) => (model.pool === pool ? formatModelKey(model) : []));
}

/** Whether an endpoint serves any model of a pool, as far as its probes say. */
function createReadiness(
  { client, models, log }: Pick<EndpointDeps, "models" | "log"> & { readonly client: WatchedClient },
  pool: string,
) {
  let [ready, failures, lastReady] = [false, 0, ""];
  const become = (readyNow: boolean, err?: BrokerError): void => {
    if (readyNow !== ready) log.info({ endpointReady: readyNow, err }, "endpoint changed");
    ready = readyNow;
  };
  return {
    isReady: () => ready,
    lost: () => become(false),
    probe: async (): Promise<void> => {
      const ofPool = models.all().filter((model) => model.pool === pool);
      // The model that was ready last first: few questions are enough while all is well.
      ofPool.sort((a, b) => Number(b.name === lastReady) - Number(a.name === lastReady));
      const answer = await probeEndpoint(client, ofPool);
      failures = answer.model ? 0 : failures + 1;
      if (answer.model) lastReady = answer.model;
      become(answer.model !== undefined || (ready && failures < FAILURES_TO_BE_DOWN), answer.error);
    },
  };
}

/** The batches that an endpoint has in hand. @param cutOff takes all of them back. */
function createPlaces(cutOff: AbortSignal) {
  const taken = new Map<AbortController, string>();
  /** @param only of this model. */
  const takeBack = (only?: string): void => {
    for (const [place, model] of taken) if (only === undefined || model === only) place.abort();
  };
  const takeAllBack = (): void => takeBack();
  const waiting: (() => void)[] = [];
  cutOff.addEventListener("abort", takeAllBack);
  return {
    count: () => taken.size,
    takeBack,
    /** Resolves when nothing is in hand. */
    async empty(): Promise<void> {
      while (taken.size > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    close: () => cutOff.removeEventListener("abort", takeAllBack),
    /** @param admission undefined if it is not let in. */
    enter(model: string, admission: { readonly end: () => void } | undefined): EndpointPlace | undefined {
      if (!admission) return undefined;
      const place = new AbortController();
      taken.set(place, model);
      if (cutOff.aborted) place.abort();
      const end = (): void => {
        taken.delete(place);
        admission.end();
        if (taken.size === 0) for (const resolve of waiting.splice(0)) resolve();
      };
      return { signal: place.signal, end };
    },
  };
}

function watchKnownGood(
  { client, decoder }: Pick<EndpointDeps, "client" | "decoder">,
  onFailure: (model: string) => void,
): KnownGood {
  const knownGood = createKnownGood(client, decoder);
  return {
    ...knownGood,
    async works(model, limits) {
      const works = await knownGood.works(model, limits);
      if (works === false) onFailure(formatModelKey(model));
      return works;
    },
  };
}
