import { DEFAULT_SETTINGS, type PulledNotice, systemClock } from "@sluice/broker";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Endpoint } from "../src/endpoint.js";
import { createGpuWorkerMetrics } from "../src/metrics.js";
import { createSlot, type SlotDeps } from "../src/slot.js";
import { createSoloGate } from "../src/solo-gate.js";
import { modelOf } from "./model-fixture.js";

const NOTICE: PulledNotice = {
  noticeId: "1-0",
  batchClass: "now",
  notice: { batchId: "b", batcher: "b1", lane: "m:1:local:now", reason: "full", waitMs: 1, rows: [] },
};

/** Notes what a slot tells an endpoint; `isOpen`: it does not take the model. */
function notedEndpoint(name: string, isOpen: boolean, notes: string[]): Endpoint {
  const endpoint: Partial<Endpoint> = {
    url: name,
    isReady: () => true,
    mayPull: () => true,
    limit: () => 1,
    inHand: () => 0,
    stretch: () => (isOpen ? undefined : 1),
    admit: () => (isOpen ? undefined : { signal: new AbortController().signal, end: () => notes.push(`${name} left`) }),
    batchBegins: () => {
      notes.push(`${name} begins`);
      return (rows) => notes.push(`${name} ends ${rows}`);
    },
    slotTakes: () => {
      notes.push(`slot of ${name} busy`);
      return () => notes.push(`slot of ${name} free`);
    },
  };
  return endpoint as Endpoint;
}

const passes = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A slot of `own` with one notice, whose Redis cannot be reached: what it then tells is all that is looked at. */
async function runWith(own: Endpoint, all: readonly Endpoint[]): Promise<void> {
  const notices = [NOTICE];
  const unreachable = new Proxy({}, { get: () => () => Promise.reject(new Error("no Redis")) });
  const place = new AbortController();
  const deps = {
    endpoint: own,
    allEndpoints: () => all,
    models: { get: () => modelOf({}) },
    settings: { current: () => DEFAULT_SETTINGS },
    redis: unreachable,
    heartbeat: { join: async () => undefined, leave: async () => undefined, doubt: () => undefined },
    reader: { pull: async () => (await passes(5), notices.splice(0)), close: () => place.abort() },
    gate: createSoloGate(),
    clock: systemClock,
    random: () => 0,
    metrics: createGpuWorkerMetrics(),
    signal: AbortSignal.abort(),
    log: pino({ level: "silent" }),
  };
  const slot = createSlot(deps as unknown as SlotDeps, { name: "s", index: 0, pool: "p" });
  await slot.start();
  await expect.poll(() => notices).toHaveLength(0);
  await slot.stop();
}

test("a batch counts where it runs: at its own endpoint, or at the one that it is handed over to", async () => {
  for (const [isOpen, where] of [
    [false, "own"],
    [true, "other"],
  ] as const) {
    const notes: string[] = [];
    const own = notedEndpoint("own", isOpen, notes);
    await runWith(own, [own, notedEndpoint("other", false, notes)]);
    expect(notes).toEqual([
      "slot of own busy",
      `${where} begins`,
      `${where} left`,
      `${where} ends 0`,
      "slot of own free",
    ]);
  }
});

test("a batch that runs nowhere counts nowhere", async () => {
  const notes: string[] = [];
  const own = notedEndpoint("own", true, notes);
  await runWith(own, [own]);
  expect(notes).toEqual(["slot of own busy", "slot of own free"]);
});
