import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { observeEndpointPressure, type PressedEndpoint } from "./backpressure/pressure-metrics.js";
import type { Endpoint } from "./endpoint.js";
import type { BreakerState } from "./health/breaker.js";
import { parseModelKey } from "./health/model-key.js";

/** What a worker counts, in a registry of its own. Labels come from closed sets: models, endpoints, codes, states, slot numbers. */
export interface GpuWorkerMetrics {
  readonly registry: Registry;
  /** Whole batches, from claim to the last settled run; `code` is `ok` or what ended its first run that did not succeed. */
  readonly latency: Histogram<"model" | "code">;
  /** One observation per batch, of the time between claim and inference. */
  readonly preprocessSeconds: Histogram<"model">;
  /** Runs that ended here, by terminal state. */
  readonly settled: Counter<"model" | "state">;
  /** Runs that were claimed, whatever came of them. */
  readonly runs: Counter<"model">;
  /** Rows that were computed for them: runs with equal digests share one. */
  readonly rows: Counter<"model">;
  /** Batches and rows that an endpoint answered. */
  readonly endpointBatches: Counter<"endpoint" | "model">;
  readonly endpointRows: Counter<"endpoint" | "model">;
  /** How often slots were taken from an endpoint under pressure; three reasons. */
  readonly slotsDecreased: Counter<"endpoint" | "reason">;
  /** Repeated inference calls, by gRPC status. */
  readonly retries: Counter<"reason">;
  /** Batches that were halved because of their data. */
  readonly bisected: Counter;
  /** Runs that were given back because of the endpoint. */
  readonly givenBack: Counter;
  /** Notices that could not be read. */
  readonly malformedNotices: Counter;
  readonly batchesInFlight: Gauge;
}

/** What gauges ask for when they are read. */
export interface GpuWorkerState {
  readonly endpoints: () => readonly (PressedEndpoint & Pick<Endpoint, "isReady" | "breakers">)[];
  /** The slots by number, and how long ago each last heard from Redis. */
  readonly slots: () => readonly { readonly number: number; readonly secondsSincePoll: number }[];
  /** How many sets of live settings were refused. */
  readonly refusedSettings: () => number;
  /** Milliseconds since each thing that is polled last answered, by what it is. */
  readonly pollAgesMs: () => Readonly<Record<string, number>>;
}

/** By the number that stands for each. */
const BREAKER_STATES: readonly BreakerState[] = ["closed", "half-open", "open"];
/** 1 ms to 16 s, doubling: from one small row to a whole lease. */
const SECONDS = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8, 16];

/** Makes all metrics. */
export function createGpuWorkerMetrics(): GpuWorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Histogram({ name, help, labelNames, buckets: SECONDS, registers });
  return {
    registry,
    latency: histogram("sluice_gpu_worker_latency", "Seconds from claim to the last settled run, per batch", [
      "model",
      "code",
    ]),
    preprocessSeconds: histogram("sluice_preprocess_seconds", "Seconds from claim to inference, per batch", ["model"]),
    settled: counter("sluice_settled_total", "Runs that ended, by terminal state", ["model", "state"]),
    runs: counter("sluice_batch_runs_total", "Runs that were claimed", ["model"]),
    rows: counter("sluice_batch_rows_total", "Rows that were computed for them", ["model"]),
    endpointBatches: counter("sluice_endpoint_batches_total", "Batches with rows that an endpoint answered", [
      "endpoint",
      "model",
    ]),
    endpointRows: counter("sluice_endpoint_rows_total", "Rows that an endpoint answered", ["endpoint", "model"]),
    slotsDecreased: counter(
      "sluice_endpoint_slots_decreased_total",
      "How often slots were taken from an endpoint under pressure",
      ["endpoint", "reason"],
    ),
    retries: counter("sluice_retries_total", "Inference calls that were repeated", ["reason"]),
    bisected: counter("sluice_bisected_total", "Batches that were halved because of their data"),
    malformedNotices: counter("sluice_malformed_notices_total", "Notices that could not be read"),
    givenBack: counter("sluice_given_back_total", "Runs that were given back because of the endpoint"),
    batchesInFlight: new Gauge({ name: "sluice_batches_in_flight", help: "Batches in hand", registers }),
  };
}

/** Forgets what was counted of an endpoint that is gone. */
export async function forgetEndpoint(metrics: GpuWorkerMetrics, url: string): Promise<void> {
  const { endpointBatches, endpointRows, slotsDecreased } = metrics;
  for (const counter of [endpointBatches, endpointRows, slotsDecreased] as Counter[]) {
    for (const { labels } of (await counter.get()).values) {
      if (labels["endpoint"] === url) counter.remove(labels);
    }
  }
}

/** Adds the gauges that look at a running worker. */
export function observeGpuWorker(registry: Registry, state: GpuWorkerState): void {
  new Gauge({
    name: "sluice_endpoint_ready",
    help: "1 while the inference endpoint is ready",
    labelNames: ["endpoint"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { url, isReady } of state.endpoints()) this.set({ endpoint: url }, isReady() ? 1 : 0);
    },
  });
  observeEndpointPressure(registry, state.endpoints);
  new Gauge({
    name: "sluice_endpoint_breaker_state",
    help: "Whether a model runs on an endpoint: 0 closed (it does), 1 half-open (one batch to see), 2 open (it does not)",
    labelNames: ["endpoint", "model", "version"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { url, breakers } of state.endpoints()) {
        for (const breaker of breakers()) {
          const { name: model, version } = parseModelKey(breaker.model);
          this.set({ endpoint: url, model, version }, BREAKER_STATES.indexOf(breaker.state));
        }
      }
    },
  });
  new Gauge({
    name: "sluice_slot_last_poll_seconds",
    help: "Seconds since a slot last asked for a batch and was answered, or saw that it must not ask",
    labelNames: ["slot"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { number, secondsSincePoll } of state.slots()) this.set({ slot: String(number) }, secondsSincePoll);
    },
  });
  new Gauge({
    name: "sluice_settings_refused",
    help: "Sets of settings refused since the start",
    registers: [registry],
    collect() {
      this.set(state.refusedSettings());
    },
  });
  new Gauge({
    name: "sluice_poll_age_seconds",
    help: "Seconds since something that is polled last answered",
    labelNames: ["poll"],
    registers: [registry],
    collect() {
      for (const [poll, ageMs] of Object.entries(state.pollAgesMs())) this.set({ poll }, ageMs / 1_000);
    },
  });
}
