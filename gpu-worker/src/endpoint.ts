import { type BrokerError, createPoller, type ModelDefinition, type ModelRegistry, type Service } from "@sluice/broker";
import {
  createEndpointPressure,
  type EndpointPressureDeps,
  type EndpointPressureOptions,
  type PressureFigures,
} from "./backpressure/endpoint-pressure.js";
import type { PressureReason } from "./backpressure/slots-aimd.js";
import { createKnownGood, type KnownGood } from "./known-good.js";
import type { GpuWorkerMetrics } from "./metrics.js";
import type { ImageDecoder } from "./preprocess/image-row.js";
import { createRetryBudget, type RetryBudget } from "./retry-budget.js";
import type { TritonClient } from "./triton/triton-client.js";

/** How often the endpoint is asked whether it is ready. */
const PROBE_MS = 250;
/** How long one question may take: a server that is busy answers late, one that hangs never does. */
const PROBE_TIMEOUT_MS = 1_000;
/** One probe may fail by chance; the slots of an endpoint that leave and come back cost admissions. */
const FAILURES_TO_BE_DOWN = 2;

/** One Triton, as the slots in front of it see it. */
export interface Endpoint extends Service {
  /** `host:port`, its name. */
  readonly url: string;
  /** Whether it can serve any model of the pool. A slot pulls only while it can: a dead Triton leaves work where it is. */
  readonly isReady: () => boolean;
  /** How many of its slots may be active now. */
  readonly limit: () => number;
  /** Whether it is to begin nothing more; it may be taken back. */
  readonly drain: (isDraining: boolean) => void;
  /** A slot has taken a batch; what it answers is called when the batch has ended, with the rows that were served. */
  readonly batchBegins: () => (rows: number) => void;
  /** What its limit comes from. */
  readonly pressure: () => PressureFigures;
  readonly client: Pick<TritonClient, "infer">;
  readonly budget: RetryBudget;
  readonly knownGood: KnownGood;
  /** The most input bytes of one call. */
  readonly maxBatchBytes: number;
}

/** What an endpoint is made of. */
export interface EndpointDeps extends Omit<EndpointPressureDeps, "client" | "onDecrease"> {
  readonly client: TritonClient;
  readonly decoder: ImageDecoder;
  readonly models: ModelRegistry;
  readonly metrics: Pick<GpuWorkerMetrics, "slotsDecreased">;
}

/** Which models it serves, and how. */
export interface EndpointOptions extends EndpointPressureOptions {
  readonly url: string;
  readonly pool: string;
  readonly maxBatchBytes: number;
}

/** Probes a Triton. `start` has asked it once; `stop` closes the client when its calls have ended. */
export function createEndpoint(deps: EndpointDeps, options: EndpointOptions): Endpoint {
  const { client, models, log } = deps;
  const onDecrease = (reason: PressureReason): void =>
    deps.metrics.slotsDecreased.inc({ endpoint: options.url, reason });
  const pressure = createEndpointPressure({ ...deps, onDecrease }, options);
  let ready = false;
  let draining = false;
  let failures = 0;
  let lastReady = "";
  const probe = async (): Promise<void> => {
    const pool = models.all().filter((model) => model.pool === options.pool);
    // The model that was ready last first: one question is enough while all is well.
    pool.sort((a, b) => Number(b.name === lastReady) - Number(a.name === lastReady));
    const answer = await firstReady(client, pool);
    failures = answer.model ? 0 : failures + 1;
    const readyNow = answer.model !== undefined || (ready && failures < FAILURES_TO_BE_DOWN);
    if (answer.model) lastReady = answer.model;
    if (readyNow !== ready) log.info({ endpointReady: readyNow, err: answer.error }, "endpoint changed");
    ready = readyNow;
  };
  const poller = createPoller(probe, PROBE_MS, log);
  return {
    url: options.url,
    client: pressure.client,
    limit: () => (draining ? 0 : pressure.slots()),
    batchBegins: pressure.batchBegins,
    pressure: pressure.figures,
    drain: (isDraining) => void (draining = isDraining),
    budget: createRetryBudget(),
    knownGood: createKnownGood(client, deps.decoder),
    maxBatchBytes: options.maxBatchBytes,
    isReady: () => ready,
    async start() {
      await probe();
      await poller.start();
      await pressure.start();
    },
    async stop() {
      await pressure.stop();
      await poller.stop();
      ready = false;
      await client.close();
    },
  };
}

/** The first model that is ready, which also says that the server lives; the error of a server that does not answer. */
async function firstReady(
  client: TritonClient,
  models: readonly ModelDefinition[],
): Promise<{ readonly model?: string; readonly error?: BrokerError }> {
  try {
    for (const { name, version } of models) {
      if (await client.modelReady(name, version, { deadlineMs: PROBE_TIMEOUT_MS })) return { model: name };
    }
    return {};
  } catch (error) {
    return { error: error as BrokerError };
  }
}
