import { addEndpoint, drainEndpoint, keys, readEndpoints, removeEndpoint } from "@sluice/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modelOf } from "../model-fixture.js";
import { type ScriptedTriton, startScriptedTriton } from "../scripted-triton.js";
import {
  leftovers,
  liveSlots,
  NOTHING_LEFT,
  POOL,
  publish,
  resultsOf,
  submit,
  type Submitted,
  until,
  useBroker,
} from "../worker-fixture.js";

const { fixture, startWorker } = useBroker();
/** Within a second of the change, and what a busy machine adds. */
const SOON_MS = 2_000;
let one: ScriptedTriton;
let two: ScriptedTriton;

beforeEach(async () => {
  [one, two] = await Promise.all([startScriptedTriton(), startScriptedTriton()]);
});
afterEach(() => {
  one.stop();
  two.stop();
});

const start = (tritonUrl: string) => startWorker({ tritonUrl, endpointList: "live" }, { models: [modelOf({})] });
const slotsSoon = (count: number) => until(async () => (await liveSlots(fixture.redis)) === count, SOON_MS);

async function publishOne(input: string): Promise<Submitted> {
  const task = await submit(fixture.redis, { input });
  await publish(fixture.redis, [task]);
  return task;
}

test("an endpoint that is added takes batches; drained it ends what it has and takes no more; added again it goes on", async () => {
  const { redis } = fixture;
  await start("none");
  expect(await liveSlots(redis)).toBe(0);
  await addEndpoint(redis, POOL, { url: one.url, weight: 2 });
  await slotsSoon(4);
  let answer = (): void => undefined;
  one.script = (texts) => new Promise((resolve) => (answer = () => resolve(texts)));
  const inHand = await publishOne("in hand");
  await until(() => one.calls.length === 1);
  await drainEndpoint(redis, POOL, one.url);
  await until(async () => (await redis.zcard(keys.slots(POOL))) === 1, SOON_MS);
  expect([...(await readEndpoints(redis, POOL)).values()]).toEqual([{ url: one.url, weight: 2, state: "draining" }]);
  answer();
  expect(await resultsOf(redis, [inHand])).toEqual(["in hand"]);
  await until(async () => (await redis.zcard(keys.slots(POOL))) === 0, SOON_MS);
  one.script = (texts) => texts;
  await addEndpoint(redis, POOL, { url: one.url, weight: 1 });
  await slotsSoon(2);
  expect(await resultsOf(redis, [await publishOne("again")])).toEqual(["again"]);
  expect(await leftovers(redis)).toEqual(NOTHING_LEFT);
});

test("an endpoint that is removed ends what it has, and is asked for nothing any more; the others go on", async () => {
  const { redis } = fixture;
  const { metrics } = await start(one.url);
  await addEndpoint(redis, POOL, { url: two.url, weight: 1 });
  await slotsSoon(4);
  let answer = (): void => undefined;
  const held = (texts: readonly string[]) =>
    new Promise<readonly string[]>((resolve) => (answer = () => resolve(texts)));
  [one.script, two.script] = [() => "hang", held];
  await drainEndpoint(redis, POOL, one.url);
  await slotsSoon(2);
  const inHand = await publishOne("in hand");
  await until(() => two.calls.length === 1);
  expect(await removeEndpoint(redis, POOL, two.url)).toBe(true);
  await until(async () => !(await metrics.registry.metrics()).includes(two.url + '"} 1'), SOON_MS);
  await until(async () => (await redis.zcard(keys.slots(POOL))) === 1, SOON_MS);
  answer();
  expect(await resultsOf(redis, [inHand])).toEqual(["in hand"]);
  await until(async () => (await redis.zcard(keys.slots(POOL))) === 0, SOON_MS);
  // What the configuration names is again as it says.
  one.script = (texts) => texts;
  expect([await removeEndpoint(redis, POOL, one.url), await removeEndpoint(redis, POOL, one.url)]).toEqual([
    true,
    false,
  ]);
  await slotsSoon(2);
  expect(await resultsOf(redis, [await publishOne("next")])).toEqual(["next"]);
  expect([one.calls, two.calls]).toEqual([[["next"]], [["in hand"]]]);
  // What was under way when it went may still come; then nothing, for longer than it takes from one probe to the next.
  const isQuiet = async () => {
    const before = two.probes;
    await new Promise((resolve) => setTimeout(resolve, 600));
    return two.probes === before;
  };
  await until(isQuiet, 5_000);
});

test("a value that cannot be read changes nothing", async () => {
  const { redis } = fixture;
  await start("none");
  await addEndpoint(redis, POOL, { url: one.url, weight: 1 });
  await slotsSoon(2);
  await redis.hset(keys.endpoints(POOL), one.url, "banana", "no address", "active");
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(await liveSlots(redis)).toBe(2);
  await expect(addEndpoint(redis, POOL, { url: "http://a:1", weight: 1 })).rejects.toMatchObject({
    code: "config-invalid",
  });
  await expect(addEndpoint(redis, POOL, { url: "a:1", weight: 0 })).rejects.toMatchObject({ code: "config-invalid" });
});
