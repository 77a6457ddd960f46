import { DEFAULT_SETTINGS, systemClock } from "@sluice/broker";
import { pino } from "pino";
import { expect, test } from "vitest";
import { createEndpoint } from "../src/endpoint.js";
import { createGpuWorkerMetrics } from "../src/metrics.js";
import type { TritonClient } from "../src/triton/triton-client.js";
import { modelOf } from "./model-fixture.js";

/** An endpoint whose Triton answers all but inferences, which fail as told. */
function createLone(
  options: { readonly fails?: (version: string) => boolean; readonly cutOff?: AbortController } = {},
) {
  const { fails = () => false, cutOff = new AbortController() } = options;
  const done: string[] = [];
  const client: Partial<TritonClient> = {
    modelReady: async () => true,
    serverReady: async () => true,
    modelStatistics: async () => [],
    infer: async ({ modelVersion = "" }) => {
      if (fails(modelVersion)) throw new Error("not now");
      return { modelName: "m", modelVersion, id: "", parameters: new Map(), outputs: [], rawOutputContents: [] };
    },
    close: async () => void done.push("closed"),
  };
  const deps = {
    client: client as TritonClient,
    decoder: {} as never,
    models: { all: () => [modelOf({ version: "2" })] } as never,
    metrics: createGpuWorkerMetrics(),
    peers: () => undefined,
    signal: cutOff.signal,
    settings: { current: () => DEFAULT_SETTINGS as never },
    clock: systemClock,
    log: pino({ level: "silent" }),
  };
  const where = { url: "a:1", pool: "default", maxBatchBytes: 1, metricsUrl: "http://127.0.0.1:1/" };
  return { endpoint: createEndpoint(deps, { ...where, slots: 2, firstSlots: 2 }), done };
}

const passes = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("an endpoint that is stopped waits for what others gave it, takes nothing more from them, and goes on being watched", async () => {
  const { endpoint, done } = createLone();
  await endpoint.start();
  const places = [endpoint.admit("m:1"), endpoint.admit("m:1")];
  const stopped = endpoint.stop();
  places[0]?.end();
  await passes(50);
  expect([endpoint.limit(), endpoint.isReady(), endpoint.inHand(), done]).toEqual([0, true, 1, []]);
  places[1]?.end();
  await stopped;
  expect([endpoint.isReady(), done]).toEqual([false, ["closed"]]);
});

test("it takes them back when the process must end", async () => {
  const cutOff = new AbortController();
  const { endpoint, done } = createLone({ cutOff });
  const place = endpoint.admit("m:1");
  place?.signal.addEventListener("abort", () => place.end());
  const stopped = endpoint.stop();
  cutOff.abort();
  await stopped;
  expect(done).toEqual(["closed"]);
});

test("versions of a model have breakers of their own", async () => {
  const { endpoint } = createLone({ fails: (version) => version === "2" });
  const infer = (modelVersion: string) =>
    endpoint.client.infer({ modelName: "m", modelVersion, inputs: [], rawInputContents: [] }, { deadlineMs: 1_000 });
  for (let call = 0; call < 3; call++) {
    await infer("1");
    await expect(infer("2")).rejects.toThrow("not now");
  }
  expect(endpoint.breakers()).toEqual([
    { model: "m:1", state: "closed" },
    { model: "m:2", state: "open" },
  ]);
  expect([endpoint.admit("m:1"), endpoint.admit("m:2")]).toEqual([expect.anything(), undefined]);
});
