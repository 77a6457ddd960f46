import { type Clock, createPoller, type LiveSettings, type Service } from "@sluice/broker";
import type { Logger } from "pino";
import { formatModelKey } from "../health/model-key.js";
import type { TritonClient } from "../triton/triton-client.js";
import { SlotLimit } from "./slot-limit.js";
import type { PressureReason } from "./slots-aimd.js";
import { createTritonReader, type TritonFigures } from "./triton-reader.js";

/** Keeps the slots of one endpoint to what it can take. */
export interface EndpointPressure extends Service {
  /** How many of its slots may be active now, 1 to the ceiling. */
  readonly slots: () => number;
  /** A slot has taken a batch; what it answers is called when the batch has ended, with the rows that were served. */
  readonly batchBegins: () => (rows: number) => void;
  /** The same calls; how long they take is noted. */
  readonly client: Pick<TritonClient, "infer">;
  readonly figures: () => PressureFigures;
}

/** What is known of an endpoint, for its metrics. */
export interface PressureFigures extends TritonFigures {
  readonly slots: number;
  /** The best depth that is known. */
  readonly depth: number;
  readonly latencyGrowth: number | undefined;
}

/** What it needs. */
export interface EndpointPressureDeps {
  readonly client: Pick<TritonClient, "infer" | "modelStatistics">;
  readonly settings: Pick<LiveSettings, "current">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Slots were taken away. */
  readonly onDecrease: (reason: PressureReason) => void;
}

/** Its bounds, and where it is read. */
export interface EndpointPressureOptions {
  /** The most slots, at least 1. */
  readonly slots: number;
  /** How many are active at first. */
  readonly firstSlots: number;
  /** Address of Triton's page of metrics. */
  readonly metricsUrl: string;
}

const LOOK_EVERY_MS = 1_000;

/** Looks once a second at what Triton tells and at how long calls took, under the live settings. */
export function createEndpointPressure(deps: EndpointPressureDeps, options: EndpointPressureOptions): EndpointPressure {
  const { clock, settings, log } = deps;
  const reader = createTritonReader(deps, options);
  const limit = new SlotLimit(options, clock.monotonicMs());
  const look = async (): Promise<void> => {
    const { backpressureGpuUtilization: gpuUtilization, backpressureGpuMemory: gpuMemory } = settings.current().forAll;
    const figures = reader.latest();
    const reason = limit.look(figures, { gpuUtilization, gpuMemory }, clock.monotonicMs());
    if (reason === undefined) return;
    deps.onDecrease(reason);
    log.info({ reason, slots: limit.slots, ...figures }, "fewer slots for an endpoint under pressure");
  };
  const poller = createPoller(look, LOOK_EVERY_MS, log);
  return {
    slots: () => limit.slots,
    batchBegins() {
      limit.batchBegins(clock.monotonicMs());
      return (rows) => limit.batchEnds(rows, clock.monotonicMs());
    },
    client: { infer: (request, limits) => timed(() => deps.client.infer(request, limits), request, { limit, clock }) },
    figures: () => {
      const nowMs = clock.monotonicMs();
      return { ...reader.latest(), slots: limit.slots, depth: limit.depth, latencyGrowth: limit.latencyGrowth(nowMs) };
    },
    async start() {
      await reader.start();
      await poller.start();
    },
    async stop() {
      await poller.stop();
      await reader.stop();
    },
  };
}

type Infer = TritonClient["infer"];

async function timed(
  call: () => ReturnType<Infer>,
  { modelName, modelVersion = "", inputs }: Parameters<Infer>[0],
  { limit, clock }: { readonly limit: SlotLimit; readonly clock: Clock },
): ReturnType<Infer> {
  const startedMs = clock.monotonicMs();
  const rows = Number(inputs[0]?.shape[0] ?? 1);
  let answered = false;
  limit.callBegins(startedMs);
  try {
    const response = await call();
    answered = true;
    return response;
  } finally {
    limit.callEnds(
      answered ? { model: formatModelKey({ name: modelName, version: modelVersion }), rows, startedMs } : undefined,
      clock.monotonicMs(),
    );
  }
}
