import { type ReadTaskReply, systemClock } from "@sluice/broker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readUntilEnded } from "../src/tasks/read-until-ended.js";
import { createTaskWaits, type TaskWaits } from "../src/tasks/task-waits.js";

const OPEN = { kind: "open", runId: "run" } as ReadTaskReply;
const DONE = { kind: "done", runId: "run" } as ReadTaskReply;
const never = new Promise<ReadTaskReply>(() => undefined);

let waits: TaskWaits;
let wake: () => void;
beforeEach(async () => {
  waits = createTaskWaits({ listen: (_runId, waiter) => ((wake = waiter), () => undefined) }, systemClock);
  await waits.start();
});
afterEach(() => waits.stop());

test("whoever waits is answered at the end of his wait with what is known, although Redis says nothing", async () => {
  const wait = waits.open("run", 300);
  const startMs = performance.now();
  wake();
  expect(await readUntilEnded(() => never, "task", wait, OPEN)).toBe(OPEN);
  expect(performance.now() - startMs).toBeLessThan(1_500);
});

test("a result that is read while the wait ends is still told", async () => {
  const wait = waits.open("run", 300);
  wake();
  const read = () => new Promise<ReadTaskReply>((resolve) => setTimeout(() => resolve(DONE), 500));
  expect(await readUntilEnded(read, "task", wait, OPEN)).toBe(DONE);
});

test("a stopping api does not wait for Redis either", async () => {
  const wait = waits.open("run", 60_000);
  wake();
  const answer = readUntilEnded(() => never, "task", wait);
  waits.drain();
  expect(await answer).toBeUndefined();
});
