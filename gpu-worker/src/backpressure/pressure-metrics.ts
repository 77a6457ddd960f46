import { Gauge, type Registry } from "prom-client";
import type { PressureFigures } from "./endpoint-pressure.js";

/** An endpoint, and what limits its slots. */
export interface PressedEndpoint {
  readonly url: string;
  readonly limit: () => number;
  readonly pressure: () => PressureFigures;
}

/** What is shown of each endpoint. */
const GAUGES: readonly {
  readonly name: string;
  readonly help: string;
  readonly of: (figures: PressureFigures, endpoint: PressedEndpoint) => number | undefined;
}[] = [
  { name: "slots_limit", help: "Slots that may be active now", of: (_figures, { limit }) => limit() },
  { name: "depth", help: "Batches in flight of which it makes most, as found by trying", of: ({ depth }) => depth },
  {
    name: "latency_growth_ratio",
    help: "How long calls take against what is usual; 1 is usual",
    of: ({ latencyGrowth }) => latencyGrowth,
  },
  {
    name: "gpu_utilization_ratio",
    help: "Part of the time that its busiest GPU computes, as Triton tells",
    of: ({ gpuUtilization }) => gpuUtilization,
  },
  {
    name: "gpu_memory_ratio",
    help: "Part of the memory of its fullest GPU that is taken, as Triton tells",
    of: ({ gpuMemory }) => gpuMemory,
  },
  {
    name: "queue_seconds",
    help: "Seconds that a request last waited in Triton, on average",
    of: ({ times }) => times && times.queueMs / 1_000,
  },
  {
    name: "compute_seconds",
    help: "Seconds that a request was last computed in Triton, on average",
    of: ({ times }) => times && times.computeMs / 1_000,
  },
];

/** Adds gauges of what limits the slots of endpoints; what is not known of one is left out. */
export function observeEndpointPressure(registry: Registry, endpoints: () => readonly PressedEndpoint[]): void {
  for (const { name, help, of } of GAUGES) {
    new Gauge({
      name: `sluice_endpoint_${name}`,
      help,
      labelNames: ["endpoint"],
      registers: [registry],
      collect() {
        this.reset();
        for (const endpoint of endpoints()) {
          const value = of(endpoint.pressure(), endpoint);
          if (value !== undefined) this.set({ endpoint: endpoint.url }, value);
        }
      },
    });
  }
}
