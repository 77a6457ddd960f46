import { type CarriedResult, type ReadTaskReply, systemClock, type Wake } from "@sluice/broker";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ReadTask, readUntilEnded } from "../src/tasks/read-until-ended.js";
import { createTaskWaits, type TaskWaits } from "../src/tasks/task-waits.js";

const OPEN = { kind: "open", runId: "run" } as ReadTaskReply;
const DONE = { kind: "done", runId: "run" } as ReadTaskReply;
const CREATED = { kind: "created", owner: "anna" } as const;
const never = new Promise<ReadTaskReply>(() => undefined);

let waits: TaskWaits;
let wake: (result?: CarriedResult) => void;
beforeEach(async () => {
  waits = createTaskWaits(
    { listen: (_runId, waiter: Wake) => ((wake = (result) => waiter(result)), () => undefined) },
    systemClock,
  );
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
  const answer = readUntilEnded(() => never, "task", wait, CREATED);
  waits.drain();
  expect(await answer).toBeUndefined();
});

describe("a result that came with the wake-up", () => {
  const result = { runId: "run", finishedMs: 1 } as CarriedResult;
  const heardOf = async (taskId: string, known: Parameters<typeof readUntilEnded>[3]) => {
    const heard: unknown[] = [];
    const wait = waits.open("run", 300);
    wake(result);
    const read: ReadTask = (_taskId, told) => (heard.push(told), Promise.resolve(DONE));
    await readUntilEnded(read, taskId, wait, known);
    return heard;
  };

  test("is handed to the reader, as the caller's whose task it is", async () => {
    expect(await heardOf("run", CREATED)).toEqual([{ owner: "anna", result }]);
    expect(await heardOf("run", { ...OPEN, owner: "bert" } as ReadTaskReply)).toEqual([{ owner: "bert", result }]);
  });

  test("is nobody's but of the task that the run is named after", async () => {
    expect(await heardOf("twin", { ...OPEN, owner: "bert" } as ReadTaskReply)).toEqual([undefined]);
  });

  test("is forgotten when another run is followed, and not heard twice", async () => {
    const wait = waits.open("run", 300);
    wake(result);
    wake();
    expect(wait.result).toBe(result);
    wait.follow("other");
    expect(wait.result).toBeUndefined();
  });
});
