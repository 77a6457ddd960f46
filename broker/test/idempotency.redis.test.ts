import { expect, test } from "vitest";
import {
  bindIdempotencyKey,
  confirmIdempotencyKey,
  namesTask,
  rebindIdempotencyKey,
  releaseIdempotencyKey,
} from "../src/index.js";
import { dumpState, useRedis } from "./redis-fixture.js";

const fixture = useRedis();
const request = { owner: "anna", key: "k", fingerprint: "f", taskId: "t1", version: "1", keptMs: 60_000 };
const again = { ...request, taskId: "t2", version: "2" };
/** What attempt `n` says when it speaks of the key. */
const attempt = (n: number) => ({ owner: "anna", key: "k", taskId: "t1", attempt: n });

/** The hash of the only key; without its time, for only the server knows it. */
async function readKey(): Promise<Record<string, unknown>> {
  const [hash] = Object.values(await dumpState(fixture.redis)) as Record<string, unknown>[];
  return Object.fromEntries(Object.entries(hash ?? {}).filter(([field]) => field !== "since"));
}

/** As if the attempt that holds the key had said nothing for so long. */
async function keepSilent(ms = 6_000): Promise<void> {
  const [key = ""] = await fixture.redis.keys("*");
  await fixture.redis.hincrby(key, "since", -ms);
}

test("a key belongs to its first request: others wait, replay, or are refused", async () => {
  const { redis } = fixture;
  expect(await bindIdempotencyKey(redis, request)).toEqual({
    taskId: "t1",
    version: "1",
    admitted: false,
    remembered: true,
    attempt: 1,
  });
  await expect(bindIdempotencyKey(redis, again)).rejects.toMatchObject({ code: "request-in-progress" });
  await confirmIdempotencyKey(redis, attempt(1));
  expect(await bindIdempotencyKey(redis, again)).toEqual({
    taskId: "t1",
    version: "1",
    admitted: true,
    remembered: true,
    attempt: 1,
  });
  const other = bindIdempotencyKey(redis, { ...again, fingerprint: "g" });
  await expect(other).rejects.toMatchObject({ code: "idempotency-key-reused" });
  expect(await bindIdempotencyKey(redis, { ...again, owner: "bert" })).toMatchObject({ taskId: "t2" });
});

test("the first attempt that is refused leaves nothing behind, also if it says so twice", async () => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, request);
  expect(await releaseIdempotencyKey(redis, attempt(1))).toBe(true);
  expect(await dumpState(redis)).toEqual({});
  await bindIdempotencyKey(redis, again);
  const bound = await readKey();
  expect(await releaseIdempotencyKey(redis, attempt(1))).toBe(false);
  expect(await readKey()).toEqual(bound);
});

test("an attempt whose key was taken over cannot give it back", async () => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, request);
  await keepSilent();
  expect(await bindIdempotencyKey(redis, again)).toEqual({
    taskId: "t1",
    version: "1",
    admitted: false,
    remembered: true,
    attempt: 2,
  });
  expect(await releaseIdempotencyKey(redis, attempt(1))).toBe(false);
  expect(await readKey()).toEqual({ fingerprint: "f", task: "t1", version: "1", attempt: "2", kept: "60000" });
});

test("an admitted key is never given back, whoever says that he was refused", async () => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, request);
  await keepSilent();
  await bindIdempotencyKey(redis, again);
  // The first was admitted after all.
  await confirmIdempotencyKey(redis, attempt(1));
  const admitted = await readKey();
  for (const n of [1, 2]) expect(await releaseIdempotencyKey(redis, attempt(n))).toBe(false);
  expect(await readKey()).toEqual(admitted);
  await bindIdempotencyKey(redis, { ...again, key: "alone" });
  await confirmIdempotencyKey(redis, { ...attempt(1), key: "alone", taskId: "t2" });
  expect(await releaseIdempotencyKey(redis, { ...attempt(1), key: "alone", taskId: "t2" })).toBe(false);
  expect(await redis.keys("*")).toHaveLength(2);
});

test("a take-over that is refused keeps the task id, for the next equal request at once", async () => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, request);
  await keepSilent();
  await bindIdempotencyKey(redis, again);
  expect(await releaseIdempotencyKey(redis, attempt(2))).toBe(false);
  expect(await readKey()).toEqual({
    fingerprint: "f",
    task: "t1",
    version: "1",
    attempt: "2",
    kept: "60000",
    vacant: "1",
  });
  const other = bindIdempotencyKey(redis, { ...again, fingerprint: "g" });
  await expect(other).rejects.toMatchObject({ code: "idempotency-key-reused" });
  expect(await bindIdempotencyKey(redis, again)).toMatchObject({ taskId: "t1", admitted: false, attempt: 3 });
  expect(await readKey()).toEqual({ fingerprint: "f", task: "t1", version: "1", attempt: "3", kept: "60000" });
});

test("a confirmation does not make a key that is gone: it would have no end and no task", async () => {
  const { redis } = fixture;
  await confirmIdempotencyKey(redis, attempt(1));
  expect(await dumpState(redis)).toEqual({});
  await bindIdempotencyKey(redis, again);
  await confirmIdempotencyKey(redis, attempt(1));
  await expect(bindIdempotencyKey(redis, again)).rejects.toMatchObject({ code: "request-in-progress" });
});

test("a key lives for a day, whatever becomes of it", async () => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, request);
  await keepSilent();
  await bindIdempotencyKey(redis, again);
  await releaseIdempotencyKey(redis, attempt(2));
  await confirmIdempotencyKey(redis, attempt(1));
  const [key = ""] = await redis.keys("*");
  const leftMs = await redis.pttl(key);
  expect(leftMs).toBeGreaterThan(86_400_000 - 60_000);
  expect(leftMs).toBeLessThanOrEqual(86_400_000);
});

test.each([
  ["held", false],
  ["vacant", true],
])("a key that is %s gets another task when the first may be forgotten, and not before", async (_name, vacate) => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, { ...request, keptMs: 20_000 });
  await keepSilent();
  await bindIdempotencyKey(redis, { ...again, keptMs: 60_000 });
  if (vacate) await releaseIdempotencyKey(redis, attempt(2));
  await keepSilent(50_000);
  expect(await bindIdempotencyKey(redis, { ...again, keptMs: 20_000 })).toMatchObject({ taskId: "t1", attempt: 3 });
  // Since the longest that any attempt asked for.
  await keepSilent(61_000);
  const other = bindIdempotencyKey(redis, { ...again, fingerprint: "g" });
  await expect(other).rejects.toMatchObject({ code: "idempotency-key-reused" });
  expect(await bindIdempotencyKey(redis, again)).toEqual({
    taskId: "t2",
    version: "2",
    admitted: false,
    remembered: true,
    attempt: 1,
  });
  expect(await readKey()).toEqual({ fingerprint: "f", task: "t2", version: "2", attempt: "1", kept: "60000" });
  // Whoever speaks for the first task is not heard any more.
  await confirmIdempotencyKey(redis, attempt(1));
  expect(await releaseIdempotencyKey(redis, attempt(1))).toBe(false);
  expect(await readKey()).toMatchObject({ task: "t2", attempt: "1" });
});

test("a key whose task is admitted keeps it, however long ago that was", async () => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, request);
  await confirmIdempotencyKey(redis, attempt(1));
  expect(await bindIdempotencyKey(redis, again)).toMatchObject({ taskId: "t1", admitted: true, remembered: true });
  await keepSilent(61_000);
  expect(await bindIdempotencyKey(redis, again)).toMatchObject({ taskId: "t1", admitted: true, remembered: false });
});

test("a key that was lost is bound again to its task, unless another request was faster", async () => {
  const { redis } = fixture;
  expect(await namesTask(redis, request, "t1")).toBe(false);
  await bindIdempotencyKey(redis, request);
  expect(await namesTask(redis, request, "t1")).toBe(true);
  expect(await rebindIdempotencyKey(redis, request, 1)).toBe(true);
  await redis.flushall();
  expect(await rebindIdempotencyKey(redis, request, 1)).toBe(true);
  await confirmIdempotencyKey(redis, attempt(1));
  expect(await rebindIdempotencyKey(redis, request, 1)).toBe(true);
  expect(await readKey()).toMatchObject({ task: "t1", admitted: "1" });
  await redis.flushall();
  await bindIdempotencyKey(redis, again);
  expect(await rebindIdempotencyKey(redis, request, 1)).toBe(false);
  expect(await namesTask(redis, request, "t1")).toBe(false);
});

test("a key that a later attempt binds again is not given back by an earlier one", async () => {
  const { redis } = fixture;
  await bindIdempotencyKey(redis, request);
  await keepSilent();
  await bindIdempotencyKey(redis, again);
  await redis.flushall();
  expect(await rebindIdempotencyKey(redis, request, 2)).toBe(true);
  expect(await releaseIdempotencyKey(redis, attempt(1))).toBe(false);
  expect(await readKey()).toMatchObject({ task: "t1", attempt: "2" });
});
