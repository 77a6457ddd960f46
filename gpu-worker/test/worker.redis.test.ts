import { status } from "@grpc/grpc-js";
import { decodeRecord, keys, listDeadLetters, SLOT_ALIVE_MS } from "@sluice/broker";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { GpuWorkerMetrics } from "../src/metrics.js";
import { modelOf } from "./model-fixture.js";
import { echoOf, type ScriptedTriton, scoresOf, startScriptedTriton } from "./scripted-triton.js";
import {
  leftovers,
  liveSlots,
  NOTHING_LEFT,
  publish,
  resultsOf as resultsOfTasks,
  runFields,
  statesOf,
  submit,
  type Submitted,
  until,
  useBroker,
} from "./worker-fixture.js";

const { fixture, startWorker } = useBroker();
const FAST = { "retry.base_ms": "1", lease_ms: "2000" };
const MODEL = modelOf({ example: { text: "example" } });
let triton: ScriptedTriton;

beforeEach(async () => {
  triton = await startScriptedTriton();
});
afterEach(() => triton.stop());

const start = (options: Parameters<typeof startWorker>[1] | object = {}, worker: object = {}) =>
  startWorker({ tritonUrl: triton.url, ...worker }, { models: [MODEL], settings: FAST, ...options });

const submitAll = (texts: readonly string[]): Promise<Submitted[]> =>
  Promise.all(texts.map((input) => submit(fixture.redis, { input })));

const resultsOf = (tasks: readonly Submitted[]) => resultsOfTasks(fixture.redis, tasks);

/** Waits until the notices are gone too. */
const finished = () => until(async () => (await leftovers(fixture.redis)).notices === 0);

/** Waits for a line of the metrics: the worker counts after Redis has carried out what a test can see. */
async function shown(metrics: GpuWorkerMetrics, line: string): Promise<void> {
  await until(async () => (await metrics.registry.metrics()).split("\n").includes(line));
}

describe("a batch", () => {
  test("is one call; every task gets its own answer and a record of its way", async () => {
    const { metrics } = await start();
    const tasks = await submitAll(Array.from({ length: 64 }, (_, i) => `text ${i}`));
    const { batchId } = await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(tasks.map((_, i) => `text ${i}`));
    expect(triton.calls.map((call) => call.length)).toEqual([64]);
    await finished();
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
    const [first] = await statesOf(fixture.redis, tasks);
    const record = first?.kind === "done" ? decodeRecord(first.record) : undefined;
    expect(record).toMatchObject({ batchId, size: 64, unique: 64, reason: "full", batchWaitMs: 1, attempts: 1 });
    expect(record?.gpuShareMs).toBeCloseTo((record?.inferMs ?? 0) / 64, 6);
    expect(record?.queueMs).toBeLessThan(5_000);
    await shown(metrics, 'sluice_settled_total{model="m",state="SUCCESS"} 64');
    await shown(metrics, 'sluice_gpu_worker_latency_count{model="m",code="ok"} 1');
    await shown(metrics, "sluice_batches_in_flight 0");
  });

  test("computes runs with equal digests once", async () => {
    const { metrics } = await start();
    const tasks = [
      await submit(fixture.redis, { input: "same", salt: "1" }),
      await submit(fixture.redis, { input: "same", salt: "2" }),
      await submit(fixture.redis, { input: "same", salt: "3" }),
    ];
    expect(new Set(tasks.map(({ runId }) => runId)).size).toBe(3);
    await publish(fixture.redis, tasks, { digest: "one" });
    expect(await resultsOf(tasks)).toEqual(["same", "same", "same"]);
    expect(triton.calls).toEqual([["same"]]);
    await shown(metrics, 'sluice_batch_runs_total{model="m"} 3');
    await shown(metrics, 'sluice_batch_rows_total{model="m"} 1');
    await finished();
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  });

  test("leaves out runs that are closed already, and runs that another worker holds", async () => {
    await start();
    const tasks = await submitAll(["canceled", "held", "mine"]);
    const [canceled, held, mine] = tasks as [Submitted, Submitted, Submitted];
    await fixture.redis.hset(keys.run(held.shard, held.runId), "lease", Date.now() + 60_000, "worker", "other batch");
    await fixture.redis.hset(keys.run(canceled.shard, canceled.runId), "state", "SUCCESS");
    await publish(fixture.redis, tasks);
    expect(await resultsOf([mine])).toEqual(["mine"]);
    expect(triton.calls).toEqual([["mine"]]);
    await finished();
    expect(await leftovers(fixture.redis)).toMatchObject({ ready: [held.runId, canceled.runId].sort(), dead: [] });
    expect(await runFields(fixture.redis, held)).toMatchObject({ worker: "other batch" });
  });

  test("of a model that is not registered is left alone: nothing is claimed, nothing fails", async () => {
    await start();
    const task = await submit(fixture.redis, { input: "text", model: "gone" });
    await publish(fixture.redis, [task], { model: "gone" });
    await finished();
    expect(await leftovers(fixture.redis)).toEqual({ ...NOTHING_LEFT, ready: [task.runId] });
    expect(await runFields(fixture.redis, task)).not.toHaveProperty("attempts");
  });

  test("that cannot be read is taken away, and counted", async () => {
    const { metrics } = await start();
    await fixture.redis.xadd(keys.notices("default", "now"), "*", "p", "nonsense");
    await finished();
    expect(triton.calls).toEqual([]);
    await shown(metrics, "sluice_malformed_notices_total 1");
  });
});

describe("data trouble", () => {
  const refuse = (poison: string, code: status) => (texts: readonly string[]) =>
    texts.includes(poison) ? { status: code, reason: `${poison} is refused` } : texts;

  test.each([
    ["INVALID_ARGUMENT", status.INVALID_ARGUMENT, "input-rejected"],
    ["INTERNAL, while the example works,", status.INTERNAL, "upstream-invalid"],
  ])("%s fails the one task at fault, with its reason; its mates succeed", async (_name, code, expected) => {
    triton.script = refuse("poison", code);
    const { metrics } = await start();
    const tasks = await submitAll(["a", "b", "poison", "d", "e"]);
    await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(["a", "b", expected, "d", "e"]);
    await finished();
    expect(await leftovers(fixture.redis)).toEqual({ ...NOTHING_LEFT, dead: [tasks[2]?.runId] });
    const [letter] = await listDeadLetters(fixture.redis);
    expect(letter).toMatchObject({ failure: { code: expected }, input: { bytes: Buffer.from("poison") } });
    expect(letter?.failure.message).toContain("poison is refused");
    expect(triton.calls.filter((call) => call.length === 1 && call[0] === "poison")).toHaveLength(3);
    await shown(metrics, "sluice_bisected_total 1");
  });

  test("INTERNAL for everything is the endpoint's: all are given back, none fails, and they are done when it works", async () => {
    triton.script = () => ({ status: status.INTERNAL, reason: "broken" });
    const { metrics } = await start();
    const tasks = await submitAll(["a", "b"]);
    await publish(fixture.redis, tasks);
    await finished();
    expect(await leftovers(fixture.redis)).toMatchObject({ ready: tasks.map(({ runId }) => runId).sort(), dead: [] });
    for (const task of tasks) expect(await runFields(fixture.redis, task)).toMatchObject({ lease: "0", worker: "" });
    await shown(metrics, "sluice_given_back_total 2");
    triton.script = (texts) => texts;
    await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(["a", "b"]);
  });

  test("an answer with a row too few is looked into; the rows that are answered alone succeed", async () => {
    triton.script = (texts) => (texts.length > 1 ? texts.slice(1) : texts);
    await start();
    const tasks = await submitAll(["a", "b", "c"]);
    await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(["a", "b", "c"]);
    await finished();
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  });

  const asNumbers = (texts: readonly string[]) => {
    const response = echoOf(texts);
    return { ...response, outputs: response.outputs.map((output) => ({ ...output, datatype: "INT32" })) };
  };

  test("an answer that is not what the definition promises fails the one task at fault, if the example is answered well", async () => {
    triton.script = (texts) => (texts.includes("poison") ? asNumbers(texts) : texts);
    await start();
    const tasks = await submitAll(["a", "poison"]);
    await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(["a", "upstream-invalid"]);
    await finished();
    expect(await leftovers(fixture.redis)).toEqual({ ...NOTHING_LEFT, dead: [tasks[1]?.runId] });
  });

  test("such answers to the example, too, are the endpoint's: all are given back, and done when it answers well", async () => {
    triton.script = asNumbers;
    await start();
    const tasks = await submitAll(["a", "b"]);
    await publish(fixture.redis, tasks);
    await finished();
    expect(await leftovers(fixture.redis)).toMatchObject({ ready: tasks.map(({ runId }) => runId).sort(), dead: [] });
    triton.script = (texts) => texts;
    await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(["a", "b"]);
  });

  test("such answers fail with upstream-invalid where a model has no example that tells", async () => {
    triton.script = asNumbers;
    await start({ models: [modelOf({})] });
    const tasks = await submitAll(["a", "b"]);
    await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(["upstream-invalid", "upstream-invalid"]);
    await finished();
    expect(await leftovers(fixture.redis)).toEqual({ ...NOTHING_LEFT, dead: tasks.map(({ runId }) => runId).sort() });
  });

  test("an input that cannot be prepared fails, and is not counted as a row that the endpoint answered", async () => {
    const { metrics } = await start();
    const tasks = await Promise.all(["a", Buffer.from([0xff]), "c"].map((input) => submit(fixture.redis, { input })));
    await publish(fixture.redis, tasks);
    expect(await resultsOf(tasks)).toEqual(["a", "input-rejected", "c"]);
    await shown(metrics, 'sluice_batch_rows_total{model="m"} 3');
    await shown(metrics, `sluice_endpoint_rows_total{endpoint="${triton.url}",model="m"} 2`);
  });

  test("a score that is no number fails its own row only", async () => {
    const outputs = [{ kind: "labels", name: "kind", tensor: "SCORES", labels: ["x", "y"], mode: "multi-class" }];
    triton.script = (texts) => scoresOf(texts.map((text) => (text === "nan" ? [NaN, 1] : [0.25, 0.75])));
    await start({ models: [modelOf({ outputs })] });
    const tasks = await submitAll(["a", "nan", "c"]);
    await publish(fixture.redis, tasks);
    await resultsOf(tasks);
    const states = await statesOf(fixture.redis, tasks);
    expect(states.map((state) => state.kind === "done" && state.state)).toEqual(["SUCCESS", "FAILED", "SUCCESS"]);
    await finished();
    expect(await leftovers(fixture.redis)).toEqual({ ...NOTHING_LEFT, dead: [tasks[1]?.runId] });
    expect(triton.calls.map((call) => call.join())).toEqual(["a,nan,c", "nan", "nan"]);
  });
});

describe("endpoint trouble", () => {
  test.each(["UNAVAILABLE", "RESOURCE_EXHAUSTED"] as const)(
    "%s is tried again, and the batch succeeds",
    async (name) => {
      triton.script = (texts, call) => (call < 3 ? { status: status[name], reason: "busy" } : texts);
      const { metrics } = await start();
      const tasks = await submitAll(["a", "b"]);
      await publish(fixture.redis, tasks);
      expect(await resultsOf(tasks)).toEqual(["a", "b"]);
      expect(triton.calls.map((call) => call.length)).toEqual([2, 2, 2]);
      await shown(metrics, `sluice_retries_total{reason="${name}"} 2`);
      await finished();
      expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
    },
  );

  test("that lasts gives the batch back after three tries; nothing becomes a dead letter", async () => {
    triton.script = () => ({ status: status.UNAVAILABLE, reason: "busy" });
    await start();
    const tasks = await submitAll(["a", "b"]);
    await publish(fixture.redis, tasks);
    await finished();
    expect(triton.calls).toHaveLength(3);
    expect(await leftovers(fixture.redis)).toMatchObject({ ready: tasks.map(({ runId }) => runId).sort(), dead: [] });
    for (const task of tasks) {
      expect(await runFields(fixture.redis, task)).toMatchObject({
        state: "OPEN",
        lease: "0",
        worker: "",
        attempts: "1",
      });
    }
  });

  test("a hanging endpoint is left before the lease ends", async () => {
    triton.script = () => "hang";
    await start({ settings: { ...FAST, lease_ms: "1000" } });
    const [task] = await submitAll(["a"]);
    const startedMs = performance.now();
    await publish(fixture.redis, [task as Submitted]);
    await finished();
    expect(performance.now() - startedMs).toBeGreaterThan(800);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await runFields(fixture.redis, task as Submitted)).toMatchObject({ state: "OPEN", lease: "0", worker: "" });
  });
});

describe("slots", () => {
  test("are on the list before the first pull, and off it after a stop", async () => {
    const { stop } = await start();
    await until(async () => (await liveSlots(fixture.redis)) === 2);
    await stop();
    expect(await fixture.redis.zrange(keys.slots("default"), 0, "-1")).toEqual([]);
  });

  test("stay on the list while they are idle", async () => {
    await start();
    await until(async () => (await liveSlots(fixture.redis)) === 2);
    await new Promise((resolve) => setTimeout(resolve, SLOT_ALIVE_MS + 500));
    expect(await liveSlots(fixture.redis)).toBe(2);
  });

  test("leave the list while the endpoint is not ready, and come back with it", async () => {
    const { worker } = await start();
    await until(async () => (await liveSlots(fixture.redis)) === 2);
    triton.ready = false;
    await until(async () => (await fixture.redis.zcard(keys.slots("default"))) === 0, 2_000);
    expect(worker.isReady()).toBe(false);
    triton.ready = true;
    await until(async () => (await liveSlots(fixture.redis)) === 2, 2_000);
  });

  test("with a batch in hand stay on the list although the endpoint is not ready", async () => {
    let answer = (): void => undefined;
    triton.script = (texts) => new Promise((resolve) => (answer = () => resolve(texts)));
    await start({ settings: { "retry.base_ms": "1" } });
    const tasks = await submitAll(["a"]);
    await publish(fixture.redis, tasks);
    await until(() => triton.calls.length === 1);
    triton.ready = false;
    await until(async () => (await fixture.redis.zcard(keys.slots("default"))) === 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await liveSlots(fixture.redis)).toBe(1);
    answer();
    expect(await resultsOf(tasks)).toEqual(["a"]);
    await until(async () => (await fixture.redis.zcard(keys.slots("default"))) === 0);
  });

  test("leave one place to batches of class now", async () => {
    const waiting: (() => void)[] = [];
    triton.script = (texts) =>
      texts[0]?.startsWith("bulk") ? new Promise((resolve) => waiting.push(() => resolve(texts))) : texts;
    // Half of them are active as long as nobody knows better.
    await start({ settings: {} }, { slots: 6 });
    const bulk = await Promise.all(
      [1, 2, 3, 4].map((i) => submit(fixture.redis, { input: `bulk ${i}`, batchClass: "bulk" })),
    );
    for (const task of bulk) await publish(fixture.redis, [task], { batchClass: "bulk" });
    await until(() => waiting.length === 2);
    const now = await submitAll(["now 1", "now 2"]);
    for (const task of now) await publish(fixture.redis, [task]);
    expect(await resultsOf(now)).toEqual(["now 1", "now 2"]);
    expect(waiting).toHaveLength(2);
    triton.script = (texts) => texts;
    for (const resolve of waiting) resolve();
    expect(await resultsOf(bulk)).toEqual(["bulk 1", "bulk 2", "bulk 3", "bulk 4"]);
  });

  test("run a batch that must be alone while nothing else runs in the process", async () => {
    let [inside, most, mostWithSolo] = [0, 0, 0];
    triton.script = async (texts) => {
      inside++;
      most = Math.max(most, inside);
      if (texts[0]?.startsWith("solo")) mostWithSolo = Math.max(mostWithSolo, inside);
      await new Promise((resolve) => setTimeout(resolve, 30));
      if (texts[0]?.startsWith("solo")) mostWithSolo = Math.max(mostWithSolo, inside);
      inside--;
      return texts;
    };
    // Half of them are active as long as nobody knows better.
    await start({}, { slots: 8 });
    await until(async () => (await liveSlots(fixture.redis)) === 4);
    const names = ["a", "b", "solo 1", "c", "d", "solo 2", "e", "f", "g"];
    const tasks = await submitAll(names);
    for (const [i, task] of tasks.entries()) {
      await publish(fixture.redis, [task], { reason: names[i]?.startsWith("solo") ? "solo" : "full" });
    }
    expect(await resultsOf(tasks)).toEqual(names);
    expect(most).toBeGreaterThan(1);
    expect(mostWithSolo).toBe(1);
  });
});

describe("stopping", () => {
  test("finishes the batch in hand", async () => {
    triton.script = async (texts) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return texts;
    };
    const { stop } = await start();
    const tasks = await submitAll(["a", "b"]);
    await publish(fixture.redis, tasks);
    await until(() => triton.calls.length === 1);
    await stop();
    expect((await statesOf(fixture.redis, tasks)).map(({ kind }) => kind)).toEqual(["done", "done"]);
    expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  });

  test("gives back what takes longer than the grace", async () => {
    triton.script = () => "hang";
    const { stop } = await start({ settings: {} }, { graceMs: 200 });
    const tasks = await submitAll(["a"]);
    await publish(fixture.redis, tasks);
    await until(() => triton.calls.length === 1);
    await stop();
    expect(await leftovers(fixture.redis)).toEqual({ ...NOTHING_LEFT, ready: [tasks[0]?.runId] });
    expect(await runFields(fixture.redis, tasks[0] as Submitted)).toMatchObject({ lease: "0", worker: "" });
  });

  test("may come before the start, and twice", async () => {
    const { worker, stop } = await start();
    await worker.stop();
    await stop();
    await worker.start();
    expect(await fixture.redis.zcard(keys.slots("default"))).toBe(0);
  });
});
