import { createLocalBlobStore, deleteDeadLetter, keys, listDeadLetters, parseTaskId } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { until, useApi } from "./api-fixture.js";
import { echoOf, inputOf, settle } from "./fake-worker.js";
import { PNG } from "./pictures.js";

/** Callers say who they are. */
const fixture = useApi({ deps: { identify: ({ incoming }) => String(incoming.headers["x-owner"] ?? "anna") } });

const failure = { code: "endpoint-unavailable", message: "it is down" } as const;
const as = (owner: string) => ({ "x-owner": owner });

async function failed(input: unknown = "a text", owner = "anna"): Promise<string> {
  const { body } = await fixture.submit(input, {}, as(owner));
  await settle(fixture.redis, body["task_id"], { state: "FAILED", failure });
  return String(body["task_id"]);
}
const retry = (taskId: string, owner = "anna") =>
  fixture.ask(`/v1/tasks/${taskId}/retry`, { method: "POST", headers: as(owner) });
const result = async (taskId: string, owner = "anna") =>
  (await fixture.ask(`/v1/result/${taskId}`, { headers: as(owner) })).body;
const store = () => createLocalBlobStore(fixture.blobDir);
const runs = async () => (await fixture.redis.keys("*:run:*")).filter((key) => !key.endsWith(":tasks")).sort();

describe("POST /v1/tasks/{task_id}/retry", () => {
  test("makes one new task of a task that failed, however often it is asked for", async () => {
    const old = await failed();
    const first = await retry(old);
    const newId = String(first.body["task_id"]);
    const urls = { result: `/v1/result/${newId}`, cancel: `/v1/tasks/${newId}/cancel` };
    expect(first).toMatchObject({ status: 202, body: { task_id: newId, status: "PENDING", urls } });
    expect(first.headers).toMatchObject({ location: urls.result, "retry-after": "1" });
    expect(newId).not.toBe(old);
    expect(String(await inputOf(fixture.redis, newId))).toBe("a text");
    expect(await listDeadLetters(fixture.redis)).toEqual([]);
    expect((await retry(old)).body).toEqual(first.body);
    await settle(fixture.redis, newId, echoOf("done"));
    expect((await retry(old)).body["task_id"]).toBe(newId);
    expect(await result(newId)).toMatchObject({ status: "SUCCESS", output: { echo: "done" } });
    expect(await result(old)).toMatchObject({ status: "FAILED", error: failure });
    expect(await runs()).toHaveLength(2);
  });

  test("asked for many times at once, it is one task", async () => {
    const old = await failed();
    const answers = await Promise.all(Array.from({ length: 16 }, () => retry(old)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body["task_id"])}`)).size).toBe(1);
    expect(await runs()).toHaveLength(2);
    const shard = parseTaskId(old)?.shard ?? 0;
    expect(await fixture.redis.xlen(keys.ready(shard, "echo:1:local:now"))).toBe(1);
  });

  test("a picture goes with it, and its old blob does not stay", async () => {
    const old = await failed({ image_base64: PNG.toString("base64") });
    expect(await fixture.blobs()).toEqual([old]);
    const newId = String((await retry(old)).body["task_id"]);
    expect(await fixture.blobs()).toEqual([newId]);
  });

  test("a new one that fails can be retried too", async () => {
    const second = String((await retry(await failed())).body["task_id"]);
    await settle(fixture.redis, second, { state: "FAILED", failure });
    const third = String((await retry(second)).body["task_id"]);
    expect(await result(third)).toMatchObject({ status: "PENDING" });
    expect(await runs()).toHaveLength(3);
  });

  test("only what failed is retried: a task that waits, is done, or was canceled is 409", async () => {
    const [open, done, canceled] = await Promise.all(
      ["a", "b", "c"].map(async (text) => String((await fixture.submit(text)).body["task_id"])),
    );
    await settle(fixture.redis, done, echoOf("done"));
    await fixture.ask(`/v1/tasks/${canceled}/cancel`, { method: "POST" });
    for (const taskId of [open, done, canceled]) {
      expect(await retry(String(taskId))).toMatchObject({ status: 409, body: { code: "not-retryable" } });
    }
    expect(await runs()).toHaveLength(2);
  });

  test("without its input it is 409: somebody deleted the dead letter, or its blob", async () => {
    const [text, picture] = [await failed(), await failed({ image_base64: PNG.toString("base64") })];
    const letters = await listDeadLetters(fixture.redis);
    for (const letter of letters.filter(({ runId }) => runId === text)) {
      await deleteDeadLetter(fixture.redis, store(), letter);
    }
    await store().delete(picture);
    for (const taskId of [text, picture]) {
      expect(await retry(taskId)).toMatchObject({ status: 409, body: { code: "not-retryable" } });
    }
    expect(await runs()).toHaveLength(2);
  });

  test("an id that is none, nobody's or another's is the same 404, and changes nothing", async () => {
    const old = await failed();
    const unknown = old.slice(0, -1) + (old.endsWith("a") ? "b" : "a");
    const problems = await Promise.all(
      [() => retry(old, "bert"), () => retry(unknown), () => retry("x"), () => retry("{q:1}*")].map(async (ask) => {
        const { status, body } = await ask();
        return { status, body: { ...body, instance: "", request_id: "" } };
      }),
    );
    expect(problems[0]).toMatchObject({ status: 404, body: { code: "task-not-found" } });
    for (const problem of problems) expect(problem).toEqual(problems[0]);
    expect(await listDeadLetters(fixture.redis)).toHaveLength(1);
    expect(await runs()).toHaveLength(1);
  });

  test("of two owners whose equal tasks failed together, one can retry, and the other learns nothing", async () => {
    const mine = String((await fixture.submit("same", {}, as("anna"))).body["task_id"]);
    const twin = String((await fixture.submit("same", {}, as("anna"))).body["task_id"]);
    const other = String((await fixture.submit("same", {}, as("bert"))).body["task_id"]);
    await settle(fixture.redis, mine, { state: "FAILED", failure });
    const first = await retry(twin);
    expect(first.status).toBe(202);
    expect((await retry(mine)).body).toEqual(first.body);
    const refused = await retry(other, "bert");
    expect(refused).toMatchObject({ status: 409, body: { code: "not-retryable" } });
    expect(JSON.stringify(refused.body)).not.toContain(String(first.body["task_id"]));
  });

  test("while no worker serves its pool it is 503, and can be retried later", async () => {
    const old = await failed();
    await fixture.dismissWorkers();
    await until(async () => (await fixture.submit(`refused ${Date.now()}`, {}, as("bert"))).status === 503);
    const before = await runs();
    expect(await retry(old)).toMatchObject({ status: 503, body: { code: "no-workers" } });
    expect(await listDeadLetters(fixture.redis)).toHaveLength(1);
    expect(await runs()).toEqual(before);
  });
});
