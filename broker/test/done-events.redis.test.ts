import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  cancelTask,
  type CarriedResult,
  createDoneEvents,
  createShardSubscriber,
  readTask,
  settleRuns,
} from "../src/index.js";
import { silentLog, useRedis } from "./redis-fixture.js";
import { admitted, FAILURE, RECORD, successOf } from "./task-fixture.js";

const fixture = useRedis();

async function listening() {
  const events = createDoneEvents(createShardSubscriber(fixture.target, silentLog));
  await events.start();
  const woken = (runId: string) => new Promise<CarriedResult | undefined>((resolve) => events.listen(runId, resolve));
  return { events, woken };
}

describe("wake-ups", () => {
  test("whoever waits for a run is woken when it is settled, or when a task leaves it", async () => {
    const { redis } = fixture;
    const { events, woken } = await listening();
    const [a, b, quiet] = [await admitted(redis, "a"), await admitted(redis, "b"), await admitted(redis, "quiet")];
    let disturbed = false;
    events.listen(quiet.taskId, () => (disturbed = true));
    const both = Promise.all([woken(a.taskId), woken(a.taskId), woken(b.taskId)]);
    await settleRuns(redis, [{ runId: a.taskId, outcome: successOf("x"), record: RECORD }], 1_000);
    await cancelTask(redis, b.taskId, "anna");
    await both;
    expect(disturbed).toBe(false);
    await events.stop();
  });

  test("everybody is woken when the connection was cut: something may have been missed", async () => {
    const { redis } = fixture;
    const { events, woken } = await listening();
    const { taskId } = await admitted(redis, "a");
    const wake = woken(taskId);
    await redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    await wake;
    const again = woken(taskId);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await settleRuns(redis, [{ runId: taskId, outcome: successOf("x"), record: RECORD }], 1_000);
    await again;
    await events.stop();
    await events.stop();
  });

  test("a listener that has gone is not called", async () => {
    const { redis } = fixture;
    const { events, woken } = await listening();
    const { taskId } = await admitted(redis, "a");
    let calls = 0;
    events.listen(taskId, () => calls++)();
    const wake = woken(taskId);
    await settleRuns(redis, [{ runId: taskId, outcome: successOf("x"), record: RECORD }], 1_000);
    await wake;
    expect(calls).toBe(0);
    await events.stop();
  });

  test("a small result comes with the wake-up, just as the task says it", async () => {
    const { redis } = fixture;
    const { events, woken } = await listening();
    const [a, b] = [await admitted(redis, "carried a"), await admitted(redis, "carried b")];
    const both = Promise.all([woken(a.taskId), woken(b.taskId)]);
    const rows = [a, b].map(({ taskId }, i) => ({ runId: taskId, outcome: successOf(`,\n ${i}`), record: RECORD }));
    await settleRuns(redis, rows, 1_000);
    const carried = await both;
    for (const [i, { taskId }] of [a, b].entries()) {
      const said = await readTask(redis, taskId);
      expect({ kind: "done", owner: "anna", state: "SUCCESS", error: Buffer.alloc(0), ...carried[i] }).toEqual(said);
    }
    await events.stop();
  });

  test("it comes without: a large result, a failure, and the run of tasks that are or were twins", async () => {
    const { redis } = fixture;
    const { events, woken } = await listening();
    const [large, failed] = [await admitted(redis, "large"), await admitted(redis, "failed")];
    const [first, twin] = [await admitted(redis, "twins"), await admitted(redis, "twins")];
    await cancelTask(redis, first.taskId, "anna");
    const all = Promise.all([large, failed, first].map(({ taskId }) => woken(taskId)));
    expect(twin.runId).toBe(first.taskId);
    const outcomes = [successOf(randomBytes(768).toString("base64")), FAILURE, successOf("x")];
    await settleRuns(
      redis,
      [large, failed, first].map(({ taskId }, i) => ({
        runId: taskId,
        outcome: outcomes[i] ?? FAILURE,
        record: RECORD,
      })),
      1_000,
    );
    expect(await all).toEqual([undefined, undefined, undefined]);
    expect(await readTask(redis, first.taskId)).toMatchObject({ kind: "left", state: "CANCELED" });
    await events.stop();
  });
});
