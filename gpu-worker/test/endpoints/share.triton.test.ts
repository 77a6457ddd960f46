import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type ModelServer, projectFolders, startModelServer } from "@sluice/stack";
import type { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { liveSlots, publish, statesOf, submit, type Submitted, until, useBroker } from "../worker-fixture.js";

const { fixture, startWorker } = useBroker();
const BATCHES = 300;
const ROWS = 4;
const ROW_MS = 0.25;
const CALL_MS = { fast: 5, slow: 15 } as const;
/** Of the share that its speed says; the machine may be busy with other tests. */
const WITHIN = 0.1;
const ON_A_BUSY_MACHINE = { retry: 2 };
const folders: string[] = [];
let fast: ModelServer;
let slow: ModelServer;

/** A Triton whose model `sleep` takes so long for a batch, and a quarter of a millisecond for each row. */
async function startSleeping(callMs: number): Promise<ModelServer> {
  const modelFolder = await mkdtemp(join(tmpdir(), "sluice-sleeping-"));
  folders.push(modelFolder);
  await cp(join(projectFolders.models, "sleep"), join(modelFolder, "sleep"), { recursive: true });
  const file = join(modelFolder, "sleep", "model.json");
  const model = JSON.parse(await readFile(file, "utf8")) as { runtime: object };
  const parameters = { call_ms: String(callMs), row_ms: String(ROW_MS) };
  await writeFile(file, JSON.stringify({ ...model, runtime: { ...model.runtime, parameters } }));
  return startModelServer({ includeTest: true, modelFolder, grpcPort: await freePort() });
}

beforeAll(async () => {
  [fast, slow] = await Promise.all([startSleeping(CALL_MS.fast), startSleeping(CALL_MS.slow)]);
});
afterAll(async () => {
  await Promise.all([fast.stop(), slow.stop()]);
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** Runs that many batches on these Tritons. @returns batches per second, and how many each has run. */
async function runBatches(count: number, servers: readonly ModelServer[]) {
  const models = fast.models.map(({ definition }) => definition);
  const tritonUrl = servers.map(({ grpcUrl }) => grpcUrl).join();
  const { worker, metrics } = await startWorker({ tritonUrl }, { models });
  await until(async () => (await liveSlots(fixture.redis)) === 2 * servers.length);
  // All are there before the first runs: what admits them must not slow down what runs them.
  const batches = await Promise.all(Array.from({ length: count }, () => submitBatch()));
  const startMs = performance.now();
  for (const tasks of batches) await publish(fixture.redis, tasks, { model: "sleep" });
  await until(async () => (await sum(batchesOf(metrics, servers))) === count);
  const perSecond = (1_000 * count) / (performance.now() - startMs);
  const tasks = batches.flat();
  await until(async () => (await statesOf(fixture.redis, tasks)).every((state) => state.kind === "done"));
  const states = await statesOf(fixture.redis, tasks);
  expect(new Set(states.map((state) => state.kind === "done" && state.state))).toEqual(new Set(["SUCCESS"]));
  const ran = await batchesOf(metrics, servers);
  await worker.stop();
  await until(async () => (await liveSlots(fixture.redis)) === 0);
  return { perSecond, ran };
}

let submitted = 0;
const submitBatch = (): Promise<Submitted[]> =>
  Promise.all(
    Array.from({ length: ROWS }, () => submit(fixture.redis, { model: "sleep", input: `text ${++submitted}` })),
  );

async function batchesOf({ registry }: { readonly registry: Registry }, servers: readonly ModelServer[]) {
  const lines = (await registry.metrics()).split("\n");
  return servers.map(({ grpcUrl }) => {
    const name = `sluice_endpoint_batches_total{endpoint="${grpcUrl}",model="sleep"} `;
    return Number(lines.find((line) => line.startsWith(name))?.slice(name.length) ?? 0);
  });
}

const sum = async (values: Promise<number[]>) => (await values).reduce((total, value) => total + value, 0);

test(
  "two Tritons of different speed share the work as their speeds say, without weights",
  ON_A_BUSY_MACHINE,
  async () => {
    const alone = [await runBatches(BATCHES / 3, [fast]), await runBatches(BATCHES / 3, [slow])];
    const together = await runBatches(BATCHES, [fast, slow]);
    const speeds = alone.map(({ perSecond }) => perSecond);
    const all = speeds.reduce((total, speed) => total + speed);
    const shares = together.ran.map((ran) => ran / BATCHES);
    const expected = speeds.map((speed) => speed / all);
    const said = [speeds, expected, shares].map((values) => values.map((value) => value.toFixed(3)).join(" and "));
    console.log(`alone ${said[0]} batches a second, shares by that ${said[1]}, in fact ${said[2]}`);
    for (const [i, share] of shares.entries()) {
      expect(Math.abs(share / (expected[i] ?? NaN) - 1)).toBeLessThanOrEqual(WITHIN);
    }
  },
);
