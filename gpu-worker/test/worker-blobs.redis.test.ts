import { keys, listDeadLetters } from "@sluice/broker";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { modelOf } from "./model-fixture.js";
import { type ScriptedTriton, startScriptedTriton } from "./scripted-triton.js";
import {
  leftovers,
  NOTHING_LEFT,
  publish,
  resultsOf,
  statesOf,
  submit,
  type Submitted,
  until,
  useBroker,
} from "./worker-fixture.js";

const { fixture, startWorker } = useBroker();
let triton: ScriptedTriton;

beforeEach(async () => {
  triton = await startScriptedTriton();
});
afterEach(() => triton.stop());

const start = (options: { readonly blobGraceMs?: number } = {}) =>
  startWorker({ tritonUrl: triton.url }, { models: [modelOf({})], settings: { "retry.base_ms": "1" }, ...options });

/** Remembers all keys of a task's shard. @returns puts them back, as a replica that lags behind would. */
async function rememberShard({ shard }: Submitted): Promise<() => Promise<void>> {
  const { redis } = fixture;
  const pattern = keys.task(shard, "").replace("task:", "*");
  const dumps = await Promise.all(
    (await redis.keys(pattern)).map(async (key) => [key, await redis.pttl(key), await redis.dumpBuffer(key)] as const),
  );
  return async () => {
    await redis.del(await redis.keys(pattern));
    for (const [key, ttlMs, dump] of dumps) await redis.restore(key, Math.max(0, ttlMs), dump);
  };
}

describe("inputs in the blob store", () => {
  test("go when their result is stored; one that is missing fails its own task only", async () => {
    await start();
    const { redis, blobs } = fixture;
    const tasks = [
      await submit(redis, { input: "stored", asBlob: blobs }),
      await submit(redis, { input: "missing", asBlob: blobs }),
      await submit(redis, { input: "in place" }),
    ];
    await blobs.delete(tasks[1]?.taskId ?? "");
    await publish(redis, tasks);
    expect(await resultsOf(redis, tasks)).toEqual(["stored", "input-rejected", "in place"]);
    expect(triton.calls).toEqual([["stored", "in place"]]);
    await until(async () => (await leftovers(redis)).notices === 0);
    expect(await leftovers(redis)).toEqual({ ...NOTHING_LEFT, dead: [tasks[1]?.runId] });
    await until(async () => (await blobs.get(tasks[0]?.taskId ?? "")) === undefined);
  });

  test("are there still when a failover has undone the end of their runs, and go after the next end", async () => {
    await start({ blobGraceMs: 2_000 });
    const { redis, blobs } = fixture;
    const task = await submit(redis, { input: "stored", asBlob: blobs });
    const undo = await rememberShard(task);
    await publish(redis, [task]);
    expect(await resultsOf(redis, [task])).toEqual(["stored"]);
    await until(async () => (await leftovers(redis)).notices === 0);
    await undo();
    expect((await statesOf(redis, [task])).map(({ kind }) => kind)).toEqual(["open"]);
    await publish(redis, [task]);
    expect(await resultsOf(redis, [task])).toEqual(["stored"]);
    expect(triton.calls).toEqual([["stored"], ["stored"]]);
    await until(async () => (await blobs.get(task.taskId)) === undefined);
  });

  test("stay while their runs are open again", async () => {
    await start({ blobGraceMs: 500 });
    const { redis, blobs } = fixture;
    const task = await submit(redis, { input: "stored", asBlob: blobs });
    const undo = await rememberShard(task);
    await publish(redis, [task]);
    expect(await resultsOf(redis, [task])).toEqual(["stored"]);
    await undo();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await publish(redis, [task]);
    expect(await resultsOf(redis, [task])).toEqual(["stored"]);
  });

  test("of failed tasks stay, for the dead letter has no other copy", async () => {
    await start();
    const { redis, blobs } = fixture;
    const task = await submit(redis, { input: Buffer.from([0xff]), asBlob: blobs });
    await publish(redis, [task]);
    expect(await resultsOf(redis, [task])).toEqual(["input-rejected"]);
    await until(async () => (await leftovers(redis)).notices === 0);
    expect(await blobs.get(task.taskId)).toEqual(Buffer.from([0xff]));
    expect((await listDeadLetters(redis)).map(({ input }) => input)).toEqual([{ kind: "blob", blobId: task.taskId }]);
  });
});
