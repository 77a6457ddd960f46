import { createTaskId, encodeOutput, encodeRecord, keys, parseTaskId } from "@sluice/broker";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { countRuns, runField, until, useApi } from "./api-fixture.js";
import { echoOf, RECORD, settle, textOutput } from "./fake-worker.js";
import { PNG } from "./pictures.js";

const fixture = useApi({ blobGraceMs: 50 });

async function submitted(text: string, options: Record<string, unknown> = {}): Promise<string> {
  return String((await fixture.submit(text, options)).body["task_id"]);
}
const read = (taskId: string, query = "") => fixture.ask(`/v1/result/${taskId}${query}`);
const cancel = (taskId: string) => fixture.ask(`/v1/tasks/${taskId}/cancel`, { method: "POST" });
const runKey = (taskId: string) => keys.run(parseTaskId(taskId)?.shard ?? 0, taskId);

describe("a result", () => {
  test("is pending and queued, then running, then there", async () => {
    const taskId = await submitted("a");
    const queued = await read(taskId);
    expect(queued.status).toBe(200);
    expect(queued.body).toEqual({
      task_id: taskId,
      status: "PENDING",
      stage: "queued",
      urls: { result: `/v1/result/${taskId}`, cancel: `/v1/tasks/${taskId}/cancel` },
    });
    await fixture.redis.hset(runKey(taskId), "lease", Date.now() + 60_000);
    expect((await read(taskId)).body["stage"]).toBe("running");
    await settle(fixture.redis, taskId, echoOf("A"));
    expect((await read(taskId)).body).toMatchObject({ status: "SUCCESS", output: { echo: "A" }, cache: "miss" });
  });

  test("that failed is answered 200 with its error", async () => {
    const taskId = await submitted("bad");
    const failure = { code: "input-rejected", message: "not this" } as const;
    await settle(fixture.redis, taskId, { state: "FAILED", failure });
    const answer = await read(taskId);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ task_id: taskId, status: "FAILED", error: failure, batch: { id: "batch-1" } });
    expect(answer.body).not.toHaveProperty("output");
  });

  test("whose deadline passes is EXPIRED, its run is gone, and so is its blob", async () => {
    const answer = await fixture.submit({ image_base64: PNG.toString("base64") }, { deadline_ms: 30 });
    const taskId = String(answer.body["task_id"]);
    expect(await fixture.blobs()).toEqual([taskId]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await read(taskId)).body).toEqual({ task_id: taskId, status: "EXPIRED" });
    expect(await countRuns(fixture.redis)).toBe(0);
    await expect.poll(() => fixture.blobs(), { timeout: 5_000 }).toEqual([]);
  });

  test("that came after the deadline of its task is marked late", async () => {
    const taskId = await submitted("late", { deadline_ms: 20 });
    await new Promise((resolve) => setTimeout(resolve, 40));
    await settle(fixture.redis, taskId, echoOf("L"));
    expect((await read(taskId)).body).toMatchObject({ status: "SUCCESS", late: true });
  });
});

describe("ids that lead nowhere", () => {
  const now = Date.now();
  test.each([
    ["of a shard that is not there", `zz${createTaskId(1, now).slice(2)}`],
    ["that is too short", "abc"],
    ["with a brace", `${createTaskId(1, now).slice(0, -1)}}`],
    ["in capitals", createTaskId(1, now).toUpperCase()],
    ["with a star", "*"],
    ["with an encoded slash", "%2e%2e%2fmodels"],
  ])("an id %s is 404 without asking Redis", async (_what, taskId) => {
    const before = await commandCount();
    const answer = await read(taskId);
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ code: "task-not-found", status: 404 });
    expect((await cancel(taskId)).body).toMatchObject({ code: "task-not-found" });
    expect(await commandCount()).toBe(before);
  });

  test("an unknown id is 404, another owner's is the same but for the request id, an old one is 410", async () => {
    const unknown = await read(createTaskId(3, now));
    expect(unknown.status).toBe(404);
    const foreign = await submitted("foreign");
    await fixture.redis.hset(keys.task(parseTaskId(foreign)?.shard ?? 0, foreign), "owner", "eve");
    const answer = await read(foreign);
    const plain = ({ body }: typeof answer) => ({ ...body, request_id: "", instance: "" });
    expect(plain(answer)).toEqual(plain(unknown));
    expect(plain(await cancel(foreign))).toEqual(plain(unknown));
    const old = await read(createTaskId(3, now - 601_000));
    expect(old.status).toBe(410);
    expect(old.body).toMatchObject({ code: "result-expired", retryable: false });
    expect((await cancel(createTaskId(3, now - 601_000))).status).toBe(410);
    expect((await read(createTaskId(3, now - 590_000))).status).toBe(404);
  });

  test("a task whose run is gone is 410", async () => {
    const taskId = await submitted("gone");
    await fixture.redis.del(runKey(taskId));
    expect((await read(taskId)).status).toBe(410);
    expect((await cancel(taskId)).status).toBe(410);
  });

  /** Commands that reached Redis for tasks. Polls of the api go on beside, so only scripts count. */
  async function commandCount(): Promise<number> {
    const info = await fixture.redis.info("commandstats");
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0);
  }
});

describe("waiting for a result", () => {
  test("ends within 100 ms of the result", async () => {
    const taskId = await submitted("wake");
    const pending = read(taskId, "?wait=10");
    await until(() => fixture.api.waitCount() === 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const settledMs = performance.now();
    await settle(fixture.redis, taskId, echoOf("W"));
    const answer = await pending;
    expect(performance.now() - settledMs).toBeLessThan(100);
    expect(answer.body).toMatchObject({ status: "SUCCESS", output: { echo: "W" } });
  });

  test("ends within the next look if the wake-up is lost", async () => {
    const taskId = await submitted("lost");
    const pending = fixture.ask(`/v1/result/${taskId}`, { headers: { prefer: "wait=10" } });
    await until(() => fixture.api.waitCount() === 1);
    await settleSilently(taskId);
    const settledMs = performance.now();
    const answer = await pending;
    const waitedMs = performance.now() - settledMs;
    expect(answer.body).toMatchObject({ status: "SUCCESS", output: { echo: "silent" } });
    expect(answer.headers["preference-applied"]).toBe("wait=10");
    // A lost wake-up must have been lost, or this says nothing of the look.
    expect(waitedMs).toBeGreaterThan(300);
    expect(waitedMs).toBeLessThan(2_800);
  });

  test("so does a submission that waits", async () => {
    const pending = fixture.submit("lost too", {}, { prefer: "wait=10" });
    await until(async () => (await countRuns(fixture.redis)) === 1);
    const [key] = (await fixture.redis.keys("*:run:*")) as [string];
    await settleSilently(key.slice(key.lastIndexOf(":") + 1));
    expect((await pending).body).toMatchObject({ status: "SUCCESS", output: { echo: "silent" } });
  });

  test("is over after the time that was asked for", async () => {
    const taskId = await submitted("never");
    const startMs = performance.now();
    const answer = await read(taskId, "?wait=1");
    expect(performance.now() - startMs).toBeGreaterThan(950);
    expect(answer.body).toMatchObject({ status: "PENDING", stage: "queued" });
    expect(answer.headers["retry-after"]).toBe("1");
  });

  test("goes on when the subscription was away, and looks as soon as it is back", async () => {
    const taskId = await submitted("reconnect");
    const pending = read(taskId, "?wait=10");
    await until(() => fixture.api.waitCount() === 1);
    await settleSilently(taskId);
    await fixture.redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    expect((await pending).body).toMatchObject({ status: "SUCCESS" });
  });

  test("ends when the task is canceled", async () => {
    const taskId = await submitted("stop");
    const pending = read(taskId, "?wait=10");
    await until(() => fixture.api.waitCount() === 1);
    await cancel(taskId);
    expect((await pending).body).toEqual({ task_id: taskId, status: "CANCELED" });
  });

  test("ends when the client goes away: nothing of it is left", async () => {
    const taskId = await submitted("aborted");
    const { port } = new URL(fixture.api.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(`GET /v1/result/${taskId}?wait=30 HTTP/1.1\r\nhost: x\r\n\r\n`);
    await until(() => fixture.api.waitCount() === 1);
    const body = JSON.stringify({ input: "aborted as well" });
    const submitting = connect(Number(port), "127.0.0.1");
    submitting.write(
      `POST /v1/inference?wait=30 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await until(() => fixture.api.waitCount() === 2);
    socket.destroy();
    submitting.destroy();
    await until(() => fixture.api.waitCount() === 0, 1_000);
    expect(await countRuns(fixture.redis)).toBe(2);
  });

  /** Stores a result as settle does, without telling anybody. */
  async function settleSilently(runId: string): Promise<void> {
    const output = encodeOutput([textOutput("ECHO", "silent")]);
    const fields = { state: "SUCCESS", record: encodeRecord(RECORD), finished: String(Date.now()), output };
    await fixture.redis.hset(runKey(runId), fields);
  }
});

describe("canceling", () => {
  test("ends a task, its run and its blob; and is the same when repeated", async () => {
    const taskId = String((await fixture.submit({ image_base64: PNG.toString("base64") })).body["task_id"]);
    const first = await cancel(taskId);
    expect(first.status).toBe(200);
    expect(first.body).toEqual({ task_id: taskId, status: "CANCELED" });
    // A failover may still undo it.
    expect(await fixture.blobs()).toEqual([taskId]);
    await expect.poll(() => fixture.blobs(), { timeout: 5_000 }).toEqual([]);
    expect(await countRuns(fixture.redis)).toBe(0);
    const second = await cancel(taskId);
    expect([second.status, second.body]).toEqual([first.status, first.body]);
    expect((await read(taskId)).body).toEqual({ task_id: taskId, status: "CANCELED" });
  });

  test("never touches a twin", async () => {
    const one = await submitted("twin");
    const other = await submitted("twin");
    await cancel(one);
    expect((await read(other)).body["status"]).toBe("PENDING");
    await settle(fixture.redis, one, echoOf("for the twin"));
    expect((await read(other)).body).toMatchObject({ status: "SUCCESS", cache: "joined" });
    expect((await read(one)).body["status"]).toBe("CANCELED");
  });

  test.each([
    ["SUCCESS", echoOf("x")],
    ["FAILED", { state: "FAILED", failure: { code: "input-rejected", message: "no" } }],
  ] as const)("a task that is %s already is a conflict", async (state, outcome) => {
    const taskId = await submitted("over");
    await settle(fixture.redis, taskId, outcome);
    const answer = await cancel(taskId);
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: "task-ended", detail: `the task is ${state} already` });
    expect(await runField(fixture.redis, taskId, "state")).toBe(state);
  });

  test("a task that is EXPIRED already is a conflict", async () => {
    const taskId = await submitted("too late", { deadline_ms: 10 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    await read(taskId);
    expect((await cancel(taskId)).status).toBe(409);
  });
});
