import { status } from "@grpc/grpc-js";
import {
  connectRedis,
  createShardSubscriber,
  type CreditMessage,
  decodeCredit,
  decodeOutput,
  keys,
  type RedisClient,
} from "@sluice/broker";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { modelOf } from "./model-fixture.js";
import { type ScriptedTriton, startScriptedTriton } from "./scripted-triton.js";
import {
  leftovers,
  liveSlots,
  NOTHING_LEFT,
  publish,
  runFields,
  statesOf,
  submit,
  type Submitted,
  until,
  useBroker,
} from "./worker-fixture.js";

const { fixture, startWorker, use } = useBroker();
const silent = pino({ level: "silent" });
const TEXTS = Array.from({ length: 32 }, (_, i) => `text ${i}`);
let triton: ScriptedTriton;

beforeEach(async () => {
  triton = await startScriptedTriton();
});
afterEach(() => triton.stop());

/** A connection that breaks for the scripts of some shards, before they are sent or after they were carried out. */
async function flakyRedis() {
  const redis = await connectRedis(fixture.target, silent);
  const trouble = { script: "", shards: new Set<number>(), carryOut: false };
  const isTroubled = (args: readonly unknown[]) =>
    [...trouble.shards].some((shard) => String(args[2]).startsWith(keys.run(shard, "")));
  const client = new Proxy(redis, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property !== "sendCommand") return typeof value === "function" ? (value.bind(target) as unknown) : value;
      return async (command: Parameters<RedisClient["sendCommand"]>[0]) => {
        const hit = isTroubled(command.args) && scriptOf(command.args) === trouble.script;
        if (hit && !trouble.carryOut) throw new Error("connection lost");
        const reply = await target.sendCommand(command);
        if (hit) throw new Error("connection lost");
        return reply;
      };
    },
  });
  use({ stop: async () => redis.disconnect() });
  return { client, trouble };
}

/** Settle starts with a number of milliseconds, unclaim ends with its kind; claim and look-up are what is left. */
function scriptOf(args: readonly unknown[]): "settle" | "unclaim" | "claim" {
  if (String(args.at(-1)) === "returned") return "unclaim";
  return /^\d+$/.test(String(args[2 + Number(args[1])])) ? "settle" : "claim";
}

async function hearCredits(): Promise<CreditMessage[]> {
  const subscriber = createShardSubscriber(fixture.target, silent);
  use(subscriber);
  const heard: CreditMessage[] = [];
  await subscriber.start();
  await subscriber.subscribe(keys.credits("default"), (message) => {
    const credit = message && decodeCredit(message);
    if (credit && credit.batchId !== "") heard.push(credit);
  });
  return heard;
}

async function start(settings: Record<string, string> = {}) {
  const { client, trouble } = await flakyRedis();
  const started = await startWorker(
    { tritonUrl: triton.url },
    { models: [modelOf({})], settings: { "retry.base_ms": "1", ...settings }, redis: client },
  );
  return { ...started, trouble };
}

const submitAll = (texts = TEXTS) => Promise.all(texts.map((input) => submit(fixture.redis, { input })));
const answersOf = async (tasks: readonly Submitted[]) =>
  (await statesOf(fixture.redis, tasks)).map((state) =>
    state.kind === "done" && state.state === "SUCCESS"
      ? Buffer.from(decodeOutput(state.output)[0]?.data.subarray(4) ?? []).toString()
      : state.kind,
  );
const shardsOf = (tasks: readonly Submitted[]) => new Set(tasks.slice(0, 3).map(({ shard }) => shard));

test("a shard that does not answer at settling holds up neither the others nor the batch, and is settled when it is back", async () => {
  const credits = await hearCredits();
  const { trouble } = await start();
  const tasks = await submitAll();
  Object.assign(trouble, { script: "settle", shards: shardsOf(tasks) });
  await publish(fixture.redis, tasks);
  await until(() => credits.length === 1);
  const away = tasks.filter(({ shard }) => trouble.shards.has(shard));
  expect(away.length).toBeLessThan(tasks.length);
  expect(credits[0]?.unsettled).toEqual(away.map(({ runId }) => ({ runId, why: "unknown" })));
  expect(await answersOf(tasks)).toEqual(tasks.map((task, i) => (away.includes(task) ? "open" : TEXTS[i])));
  expect(await leftovers(fixture.redis)).toMatchObject({ notices: 0, ready: away.map(({ runId }) => runId).sort() });
  trouble.shards.clear();
  await until(async () => (await leftovers(fixture.redis)).ready.length === 0);
  expect(await answersOf(tasks)).toEqual(TEXTS);
  expect(triton.calls).toHaveLength(1);
  expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
});

test("a settle whose reply is lost is repeated; the first result stays", async () => {
  const { trouble, metrics } = await start();
  const tasks = await submitAll();
  Object.assign(trouble, { script: "settle", shards: shardsOf(tasks), carryOut: true });
  await publish(fixture.redis, tasks);
  await until(async () => (await leftovers(fixture.redis)).notices === 0);
  trouble.shards.clear();
  expect(await answersOf(tasks)).toEqual(TEXTS);
  expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
  expect(await metrics.registry.metrics()).not.toContain('state="FAILED"');
});

test("a shard that does not answer until the lease ends keeps its runs open: they run again", async () => {
  const { trouble } = await start({ lease_ms: "1000" });
  const [task] = (await submitAll(["text"])) as [Submitted];
  Object.assign(trouble, { script: "settle", shards: new Set([task.shard]) });
  await publish(fixture.redis, [task]);
  await until(async () => (await leftovers(fixture.redis)).notices === 0);
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  trouble.shards.clear();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await answersOf([task])).toEqual(["open"]);
  // The slack of the lease.
  await fixture.redis.hset(keys.run(task.shard, task.runId), "lease", Date.now());
  await publish(fixture.redis, [task]);
  await until(async () => (await leftovers(fixture.redis)).ready.length === 0);
  expect(await answersOf([task])).toEqual(["text"]);
  expect(await leftovers(fixture.redis)).toMatchObject({ ready: [], dead: [] });
});

test("a shard that does not answer at claiming leaves its runs out; what it had claimed all the same is released", async () => {
  const credits = await hearCredits();
  const { trouble } = await start();
  const tasks = await submitAll();
  Object.assign(trouble, { script: "claim", shards: shardsOf(tasks), carryOut: true });
  await publish(fixture.redis, tasks);
  await until(() => credits.length === 1);
  const away = tasks.filter(({ shard }) => trouble.shards.has(shard));
  expect(credits[0]?.unsettled).toEqual(away.map(({ runId }) => ({ runId, why: "unknown" })));
  expect(triton.calls[0]).toHaveLength(tasks.length - away.length);
  trouble.shards.clear();
  await until(async () =>
    (await Promise.all(away.map((task) => runFields(fixture.redis, task)))).every(({ lease }) => lease === "0"),
  );
  await publish(fixture.redis, away);
  await until(async () => (await leftovers(fixture.redis)).ready.length === 0);
  expect(await answersOf(tasks)).toEqual(TEXTS);
});

test("a shard that does not answer at giving back is released when it is back", async () => {
  const credits = await hearCredits();
  triton.script = () => ({ status: status.UNAVAILABLE, reason: "busy" });
  const { trouble } = await start();
  const tasks = await submitAll();
  Object.assign(trouble, { script: "unclaim", shards: shardsOf(tasks) });
  await publish(fixture.redis, tasks);
  await until(() => credits.length === 1);
  const isAway = ({ shard }: Submitted) => trouble.shards.has(shard);
  expect(credits[0]?.unsettled).toEqual(
    tasks.map((task) => ({ runId: task.runId, why: isAway(task) ? "unknown" : "returned" })),
  );
  const leases = () => Promise.all(tasks.map(async (task) => Number((await runFields(fixture.redis, task))["lease"])));
  expect((await leases()).map((lease) => lease > 0)).toEqual(tasks.map(isAway));
  trouble.shards.clear();
  await until(async () => (await leases()).every((lease) => lease === 0));
  expect((await leftovers(fixture.redis)).dead).toEqual([]);
});

test("a run that must be alone is told apart, and runs when it is", async () => {
  const credits = await hearCredits();
  await start();
  const tasks = await submitAll(["deadly", "mate"]);
  const [deadly] = tasks as [Submitted];
  await fixture.redis.hset(keys.run(deadly.shard, deadly.runId), "deaths", 3);
  await publish(fixture.redis, tasks);
  await until(() => credits.length === 1);
  expect(credits[0]?.unsettled).toEqual([{ runId: deadly.runId, why: "apart" }]);
  expect(await answersOf(tasks)).toEqual(["open", "mate"]);
  await publish(fixture.redis, [deadly], { reason: "solo" });
  await until(() => credits.length === 2);
  expect(await answersOf(tasks)).toEqual(["deadly", "mate"]);
});

test("connections that are cut again and again lose no task and give none another one's answer", async () => {
  triton.script = async (texts) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return texts;
  };
  await start({ lease_ms: "1000" });
  const texts = Array.from({ length: 320 }, (_, i) => `text ${i}`);
  const tasks = await submitAll(texts);
  const cutting = setInterval(() => void fixture.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"), 200);
  try {
    // What was claimed by a reply that was lost is leased for a second: rounds in between find nothing to do.
    for (const giveUpAt = performance.now() + 20_000; performance.now() < giveUpAt;) {
      const open = new Set((await leftovers(fixture.redis)).ready);
      const left = tasks.filter(({ runId }) => open.has(runId));
      if (left.length === 0) break;
      for (let i = 0; i < left.length; i += 32) await publish(fixture.redis, left.slice(i, i + 32));
      await until(async () => (await leftovers(fixture.redis)).notices === 0);
    }
  } finally {
    clearInterval(cutting);
  }
  expect(await answersOf(tasks)).toEqual(texts);
  expect(await leftovers(fixture.redis)).toEqual(NOTHING_LEFT);
});

test("a Redis that is away for seconds is waited for; the slots come back with it", async () => {
  await start();
  await until(async () => (await liveSlots(fixture.redis)) === 2);
  fixture.server.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  fixture.server.kill("SIGCONT");
  const tasks = await submitAll();
  await publish(fixture.redis, tasks);
  await until(async () => (await leftovers(fixture.redis)).ready.length === 0);
  expect(await answersOf(tasks)).toEqual(TEXTS);
  await until(async () => (await liveSlots(fixture.redis)) === 2);
});
