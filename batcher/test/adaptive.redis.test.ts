import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { keys, readLearnedTimes, readPoolUse, registerModels } from "@sluice/broker";
import {
  admitMany,
  admitOne,
  metricOf,
  MODEL,
  openEntries,
  POOL,
  stateOf,
  statesOf,
  until,
  useBatchers,
} from "./batcher-fixture.js";
import type { FakeWorker } from "./fake-worker.js";

const fixture = useBatchers();

const sizesOf = ({ notices }: FakeWorker): number[] => notices.map(({ rows }) => rows.length);

async function startAdaptive(worker: Parameters<typeof fixture.worker>[0], settings: Record<string, string> = {}) {
  await fixture.redis.hset(keys.config, { "batch.mode": "adaptive", ...settings });
  await fixture.batcher();
  const started = await fixture.worker(worker);
  await until(async () => (await readPoolUse(fixture.redis, POOL)).liveSlots > 0, 1_000, "a slot");
  return started;
}

/** Batches of 1 and of 4, so that there is a curve. */
async function teach(worker: FakeWorker): Promise<void> {
  for (const size of [1, 4, 1, 4]) {
    const before = worker.settled.length;
    await Promise.all(Array.from({ length: size }, () => admitOne(fixture.redis)));
    await until(() => worker.settled.length === before + size, 5_000, "all settled");
  }
}

test("a task that comes to an idle slot leaves at once", async () => {
  const worker = await startAdaptive({ serviceMs: (size) => 5 + size }, { "batch.max_wait_ms": "1000" });
  await teach(worker);
  const before = worker.notices.length;
  for (let i = 0; i < 10; i++) {
    await admitOne(fixture.redis);
    await sleep(60);
  }
  await until(() => worker.notices.length === before + 10, 5_000, "ten batches");
  const late = worker.notices.slice(before);
  expect(late.map(({ rows }) => rows.length)).toEqual(Array.from({ length: 10 }, () => 1));
  // A window would have held each for a second.
  expect(late.filter(({ waitMs }) => waitMs > 300)).toEqual([]);
});

test("while the slots are busy batches grow, up to what is allowed, and nothing waits in the pool half empty", async () => {
  const worker = await startAdaptive({ serviceMs: (size) => 20 + size }, { "batch.max_size": "16" });
  await teach(worker);
  const before = worker.notices.length;
  const ids = await admitMany(fixture.redis, 800);
  await until(() => worker.settled.length >= 10 + 800, 20_000, "all settled");
  expect(await statesOf(fixture.redis, ids)).toEqual({ SUCCESS: 800 });
  expect(await openEntries(fixture.redis)).toBe(0);
  const sizes = sizesOf(worker).slice(before);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(16);
  // Once the sizes between have been tried, they are as large as is allowed; the last one has what is left.
  expect(sizes.slice(-9, -1).filter((size) => size === 16).length).toBeGreaterThanOrEqual(6);
});

test("a model with few tasks gets its turn beside one that keeps all slots of the pool busy", async () => {
  await registerModels(fixture.redis, [MODEL, { ...MODEL, name: "n" }]);
  await startAdaptive({ serviceMs: (size) => 20 + size }, { "batch.max_size": "8" });
  const many = await admitMany(fixture.redis, 1_200);
  for (let nth = 0; nth < 3; nth++) {
    const few = await admitOne(fixture.redis, { lane: { model: "n", version: "1", zone: "local", batchClass: "now" } });
    const tookMs = await until(async () => (await stateOf(fixture.redis, few)) === "SUCCESS", 15_000, "its turn");
    expect(tookMs).toBeLessThan(1_500);
  }
  // They had a second or two of work left.
  expect(await statesOf(fixture.redis, many)).toMatchObject({ open: expect.any(Number) as number });
});

test("a task that cannot make it expires before its deadline and takes nobody's place; in fixed mode it runs in vain", async () => {
  const worker = await startAdaptive({ serviceMs: () => 150 });
  await teach(worker);
  // While a slot is busy: a pool with nothing else to do would try.
  const before = worker.notices.length + 1;
  await admitOne(fixture.redis);
  await until(() => worker.notices.length === before, 2_000, "a batch in hand");
  const doomed = await admitOne(fixture.redis, { ttlMs: 100 });
  await until(async () => (await statesOf(fixture.redis, [doomed]))["EXPIRED"] === 1, 1_000, "expired");
  expect(worker.notices.length).toBe(before);
  await fixture.redis.hset(keys.config, { "batch.mode": "fixed", "batch.max_wait_ms": "1" });
  await sleep(1_500);
  await admitOne(fixture.redis, { ttlMs: 100 });
  await until(() => worker.notices.length === before + 1, 2_000, "a batch");
});

test("empty places of a batch are filled with bulk work of the same model", async () => {
  const worker = await startAdaptive({ serviceMs: () => 80 });
  await teach(worker);
  const before = worker.notices.length;
  // The slot is busy while the others come.
  const [first] = await admitMany(fixture.redis, 1);
  await until(() => worker.notices.length === before + 1, 2_000, "the first");
  const now = await admitMany(fixture.redis, 2);
  const bulk = await admitMany(fixture.redis, 3, { batchClass: "bulk" });
  await until(() => worker.settled.length === 10 + 6, 5_000, "all settled");
  expect(sizesOf(worker).slice(before)).toEqual([1, 5]);
  expect(worker.notices.at(-1)?.lane).toBe("m:1:local:now");
  expect(await statesOf(fixture.redis, [first ?? "", ...now, ...bulk])).toEqual({ SUCCESS: 6 });
  expect(await openEntries(fixture.redis)).toBe(0);
});

test("what one batcher has learned is known to the next one from its start", async () => {
  const settings = { "batch.mode": "adaptive", "batch.slo_ms": "240" };
  await fixture.redis.hset(keys.config, settings);
  const first = await fixture.batcher();
  const worker = await fixture.worker({ serviceMs: (size) => 40 + 4 * size });
  const most = (batcher: typeof first) =>
    metricOf(batcher, 'sluice_batch_size_target{model="m",class="now",bound="most"}');
  expect(await most(first)).toBe(64);
  const told = async () => [...(await readLearnedTimes(fixture.redis)).values()][0]?.times.length ?? 0;
  // What leaves together is up to the clock: until batches of two sizes were seen often enough.
  for (let round = 0; round < 100 && (await told()) < 2; round++) await teach(worker);
  await first.stop();
  const second = await fixture.batcher();
  // Two batches of 40 ms + 4 b take 240 ms when b is 20, and more when they are late. Who knows nothing sends 64.
  expect(await most(second)).toBeLessThanOrEqual(20);
});
