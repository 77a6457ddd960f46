import { expect, test } from "vitest";
import { createGpuWorkerMetrics, forgetEndpoint, observeGpuWorker } from "../src/metrics.js";

const figures = { source: "none", slots: 4, depth: 4 } as const;
const UNKNOWN = { gpuUtilization: undefined, gpuMemory: undefined, times: undefined, latencyGrowth: undefined };

test("what was counted of an endpoint that is gone is forgotten, the rest is not", async () => {
  const metrics = createGpuWorkerMetrics();
  for (const endpoint of ["gone:1", "here:1"]) {
    for (const model of ["m", "n"]) metrics.endpointRows.inc({ endpoint, model }, 3);
    metrics.endpointBatches.inc({ endpoint, model: "m" });
    metrics.slotsDecreased.inc({ endpoint, reason: "gpu-memory" });
  }
  await forgetEndpoint(metrics, "gone:1");
  const shown = await metrics.registry.metrics();
  expect(shown).not.toContain("gone:1");
  expect(shown.match(/here:1/g)).toHaveLength(4);
});

test("the slots of an endpoint out of rotation are shown as none, whatever pressure allows; versions have breakers of their own", async () => {
  const { registry } = createGpuWorkerMetrics();
  const endpoint = {
    url: "a:1",
    isReady: () => true,
    limit: () => 0,
    pressure: () => ({ ...figures, ...UNKNOWN }),
    breakers: () => [
      { model: "m:1", state: "closed" as const },
      { model: "m:2", state: "open" as const },
    ],
  };
  observeGpuWorker(registry, {
    endpoints: () => [endpoint],
    slots: () => [],
    refusedSettings: () => 0,
    pollAgesMs: () => ({}),
  });
  const shown = (await registry.metrics()).split("\n");
  expect(shown).toContain('sluice_endpoint_slots_limit{endpoint="a:1"} 0');
  expect(shown).toContain('sluice_endpoint_breaker_state{endpoint="a:1",model="m",version="1"} 0');
  expect(shown).toContain('sluice_endpoint_breaker_state{endpoint="a:1",model="m",version="2"} 2');
});
