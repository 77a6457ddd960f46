import { describe, expect, test } from "vitest";
import { cancelTask, createDoneEvents, createShardSubscriber, settleRuns } from "../src/index.js";
import { silentLog, useRedis } from "./redis-fixture.js";
import { admitted, RECORD, successOf } from "./task-fixture.js";

const fixture = useRedis();

async function listening() {
  const events = createDoneEvents(createShardSubscriber(fixture.target, silentLog));
  await events.start();
  const woken = (runId: string) => new Promise<void>((resolve) => events.listen(runId, resolve));
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
});
