import { afterEach, beforeEach, expect, test } from "vitest";
import { modelOf } from "../model-fixture.js";
import { type ScriptedTriton, startScriptedTriton } from "../scripted-triton.js";
import {
  leftovers,
  liveSlots,
  NOTHING_LEFT,
  publish,
  resultsOf,
  submit,
  type Submitted,
  until,
  useBroker,
} from "../worker-fixture.js";

const { fixture, startWorker } = useBroker();
let one: ScriptedTriton;
let two: ScriptedTriton;

beforeEach(async () => {
  [one, two] = await Promise.all([startScriptedTriton(), startScriptedTriton()]);
});
afterEach(() => {
  one.stop();
  two.stop();
});

const start = (tritonUrl: string) =>
  startWorker({ tritonUrl }, { models: [modelOf({})], settings: { "retry.base_ms": "1" } });

async function publishEach(texts: readonly string[]): Promise<Submitted[]> {
  const tasks = await Promise.all(texts.map((input) => submit(fixture.redis, { input })));
  for (const task of tasks) await publish(fixture.redis, [task]);
  return tasks;
}

test("each Triton has slots of its own, as many as its weight says; both take batches, and each is counted", async () => {
  const answers: (() => void)[] = [];
  const hold = (texts: readonly string[]) =>
    new Promise<readonly string[]>((resolve) => answers.push(() => resolve(texts)));
  [one.script, two.script] = [hold, hold];
  const { metrics } = await start(`${one.url},${two.url}*2`);
  await until(async () => (await liveSlots(fixture.redis)) === 6);
  const texts = Array.from({ length: 6 }, (_, i) => `text ${i}`);
  const tasks = await publishEach(texts);
  await until(() => answers.length === 6);
  expect([one.calls.length, two.calls.length]).toEqual([2, 4]);
  for (const answer of answers) answer();
  expect(await resultsOf(fixture.redis, tasks)).toEqual(texts);
  await until(async () => (await leftovers(fixture.redis)).notices === 0);
  expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  const counted = (line: string) => until(async () => (await metrics.registry.metrics()).split("\n").includes(line));
  await counted(`sluice_endpoint_batches_total{endpoint="${one.url}",model="m"} 2`);
  await counted(`sluice_endpoint_rows_total{endpoint="${two.url}",model="m"} 4`);
  await counted(`sluice_endpoint_ready{endpoint="${two.url}"} 1`);
  await counted("sluice_batches_in_flight 0");
});

test("a Triton that is not ready takes none, and its slots leave the list; the others go on", async () => {
  const { worker, metrics } = await start(`${one.url},${two.url}`);
  await until(async () => (await liveSlots(fixture.redis)) === 4);
  one.ready = false;
  await until(async () => (await liveSlots(fixture.redis)) === 2);
  expect(worker.isReady()).toBe(true);
  expect(await metrics.registry.metrics()).toContain(`sluice_endpoint_ready{endpoint="${one.url}"} 0`);
  const texts = Array.from({ length: 8 }, (_, i) => `text ${i}`);
  expect(await resultsOf(fixture.redis, await publishEach(texts))).toEqual(texts);
  expect([one.calls.length, two.calls.length]).toEqual([0, 8]);
  two.ready = false;
  await until(() => !worker.isReady());
  one.ready = true;
  await until(async () => worker.isReady() && (await liveSlots(fixture.redis)) === 2);
});
