import { setTimeout as sleep } from "node:timers/promises";
import { connectRedis, keys, systemClock } from "@sluice/broker";
import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { type Batcher, createBatcher } from "../../batcher/src/index.js";
import { admitOne, metricOf, until, useBatchers } from "../../batcher/test/batcher-fixture.js";
import { sluice } from "./sluice-fixture.js";

const fixture = useBatchers();
const url = () => `redis://${fixture.target.nodes[0]?.host}:${fixture.target.nodes[0]?.port}`;
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A task every `gapMs`, until the test ends. */
function startLoad(gapMs: number): void {
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await Promise.all([admitOne(fixture.redis), sleep(gapMs)]);
    }
  })();
  ends.push(async () => {
    stop.abort();
    await loop;
  });
}

/** What the histogram of batch waits has counted, and their sum in seconds. */
async function waitsOf(batcher: Batcher): Promise<{ readonly count: number; readonly sum: number }> {
  const labels = '{model="m",class="now"}';
  return {
    count: (await metricOf(batcher, `sluice_batch_wait_seconds_count${labels}`)) || 0,
    sum: (await metricOf(batcher, `sluice_batch_wait_seconds_sum${labels}`)) || 0,
  };
}

/** The mean of the batch waits that are counted while `ms` pass, in ms; NaN for none. */
async function meanWaitDuring(batcher: Batcher, ms: number): Promise<number> {
  const before = await waitsOf(batcher);
  await sleep(ms);
  const after = await waitsOf(batcher);
  return (1_000 * (after.sum - before.sum)) / (after.count - before.count);
}

test.each([
  ["fixed", {}],
  // So that waiting pays for long: a second of the GPU is worth 50 of waiting.
  ["adaptive", { "batch.thrift": "50" }],
])("%s mode: HSET batch.max_wait_ms 5 under load changes the batch waits within 2 s", async (mode, settings) => {
  const { redis } = fixture;
  await redis.hset(keys.config, { "batch.mode": mode, "batch.max_wait_ms": "250", ...settings });
  const batcher = await fixture.batcher();
  await fixture.worker({ serviceMs: (size) => 20 + size / 10 });
  startLoad(20);
  await until(async () => (await meanWaitDuring(batcher, 1_000)) > 150, 15_000, "batches that wait for long");
  await redis.hset(keys.config, "batch.max_wait_ms", "5");
  const tookMs = await until(async () => (await meanWaitDuring(batcher, 400)) < 60, 10_000, "short waits");
  expect(tookMs).toBeLessThan(2_000);
});

test("HSET batch.max_size banana changes nothing, and log, counter and command say so", async () => {
  const { target } = fixture;
  const logged: { level: number; msg: string; problems?: string[]; refused?: string; kept?: string }[] = [];
  const log = pino(
    { level: "info" },
    { write: (line) => void logged.push(JSON.parse(line) as (typeof logged)[number]) },
  );
  const redis = await connectRedis(target, log);
  const batcher = createBatcher({ target, redis, log, clock: systemClock });
  ends.push(async () => {
    await batcher.stop();
    redis.disconnect();
  });
  await redis.hset(keys.config, { "batch.mode": "fixed", "batch.max_size": "4", "batch.max_wait_ms": "1000" });
  await batcher.start();
  const worker = await fixture.worker();
  const fullBatches = async (tasks: number) => {
    const before = worker.notices.length;
    await Promise.all(Array.from({ length: tasks }, () => admitOne(redis)));
    await until(() => worker.notices.length === before + tasks / 4, 5_000, "batches");
    return worker.notices.slice(before).map(({ rows }) => rows.length);
  };
  expect(await fullBatches(8)).toEqual([4, 4]);
  expect(await metricOf(batcher, "sluice_settings_refused")).toBe(0);

  await redis.hset(keys.config, { "batch.max_size": "banana", "batch.max_wait_ms": "1" });
  await vi.waitFor(async () => expect(await metricOf(batcher, "sluice_settings_refused")).toBe(1), 2_000);
  expect(await fullBatches(8)).toEqual([4, 4]);
  const errors = logged.filter(({ msg }) => msg === "settings refused");
  expect(errors).toMatchObject([{ level: 50, problems: ["batch.max_size: must be a number"] }]);
  expect(errors[0]?.refused).toContain('"batch.max_size":"banana"');
  expect(errors[0]?.kept).toContain('"batch.max_size":"4"');
  const { out } = await sluice(url(), "config", "list");
  expect(out).toMatch(/^batch\.max_size +4 +banana +64 +REFUSED$/m);
  expect(out).toMatch(/^batch\.max_wait_ms +1000 +1 +50 +not taken yet$/m);
});
