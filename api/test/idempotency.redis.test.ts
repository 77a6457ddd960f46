import { keys, type ModelDefinition, registerModels } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { type Answer, countRuns, useApi } from "./api-fixture.js";
import { echoOf, settle } from "./fake-worker.js";
import { MODELS } from "./models.js";
import { PNG } from "./pictures.js";

const fixture = useApi();
const keyed = (input: unknown, key: string, options: Record<string, unknown> = {}): Promise<Answer> =>
  fixture.submit(input, options, { "idempotency-key": key });

/** The hash behind the only key there is. */
async function binding(): Promise<string> {
  const found = await fixture.redis.keys("sluice:{*}:key:*");
  expect(found).toHaveLength(1);
  return found[0] ?? "";
}

describe("a request that is repeated with its Idempotency-Key", () => {
  test("meets its task", async () => {
    const first = await keyed("a", "k1");
    expect(first.headers).not.toHaveProperty("idempotent-replayed");
    const again = await keyed("a", "k1");
    expect(again.status).toBe(202);
    expect(again.headers["idempotent-replayed"]).toBe("true");
    expect(again.body["task_id"]).toBe(first.body["task_id"]);
    await settle(fixture.redis, first.body["task_id"], echoOf("A"));
    const late = await keyed("a", "k1");
    expect(late.status).toBe(200);
    expect(late.body).toMatchObject({ task_id: first.body["task_id"], status: "SUCCESS", cache: "miss" });
    expect(await fixture.redis.keys("*:task:*")).toHaveLength(1);
  });

  test("meets it also where the task must not share its run", async () => {
    const first = await keyed("a", "k1", { dedupe: false });
    const again = await keyed("a", "k1", { dedupe: false });
    const other = await keyed("a", "k2", { dedupe: false });
    expect(again.body["task_id"]).toBe(first.body["task_id"]);
    expect(other.body["task_id"]).not.toBe(first.body["task_id"]);
    expect(await countRuns(fixture.redis)).toBe(2);
  });

  test("50 at once make one task", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => keyed("many", "k1")));
    const taken = answers.filter((answer) => answer.status === 202);
    const busy = answers.filter((answer) => answer.status === 409);
    expect(taken.length + busy.length).toBe(50);
    expect(new Set(taken.map((answer) => answer.body["task_id"])).size).toBe(1);
    for (const answer of busy) {
      expect(answer.body["code"]).toBe("request-in-progress");
      expect(answer.headers["retry-after"]).toBe("1");
    }
    expect(await fixture.redis.keys("*:task:*")).toHaveLength(1);
    expect(await countRuns(fixture.redis)).toBe(1);
  });

  test("meets it after the model got a new version", async () => {
    const first = await keyed("a", "k1");
    const next = MODELS.map((model): ModelDefinition => (model.name === "echo" ? { ...model, version: "2" } : model));
    await registerModels(fixture.redis, next);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect((await keyed("a", "k1")).body["task_id"]).toBe(first.body["task_id"]);
    expect((await keyed("a", "k2")).body["task_id"]).not.toBe(first.body["task_id"]);
    const lanes = await Promise.all(
      (await fixture.redis.keys("*:run:*")).map((key) => fixture.redis.hget(key, "lane")),
    );
    expect(lanes.sort()).toEqual(["echo:1:local:now", "echo:2:local:now"]);
  });

  test("takes over an admission that stopped half-way, with its id and version", async () => {
    const first = await keyed("a", "k1");
    const taskId = String(first.body["task_id"]);
    const key = await binding();
    // As if the process had died between binding the key and admitting the task, 6 s ago.
    const kept = await fixture.redis.hgetall(key);
    const work = (await fixture.workKeys()).filter((name) => name !== key);
    await fixture.redis.del(...work);
    await fixture.redis.hdel(key, "admitted");
    expect((await keyed("a", "k1")).status).toBe(409);
    await fixture.redis.hset(key, "since", Number(kept["since"]) - 6_000);
    const again = await keyed("a", "k1");
    expect([again.status, again.body["task_id"]]).toEqual([202, taskId]);
    expect(await fixture.redis.hget(key, "admitted")).toBe("1");
    expect((await fixture.workKeys()).sort()).toEqual([...work, key].sort());
  });

  test("meets a new task where Redis may have forgotten the first, which nobody knows to be admitted", async () => {
    const first = String((await keyed("a", "k1", { deadline_ms: 6_000 })).body["task_id"]);
    const twin = String((await fixture.submit("a", { deadline_ms: 3_600_000 })).body["task_id"]);
    const show = async (taskId: string) => {
      const { status, body } = await fixture.ask(`/v1/result/${taskId}`);
      return [status, body["code"] ?? body["status"]];
    };
    await settle(fixture.redis, first, echoOf("A"));
    expect(await show(twin)).toEqual([200, "SUCCESS"]);
    // Long after: the run and the record of the first task are forgotten, that of its twin is not.
    await fixture.redis.del(...(await fixture.redis.keys("*:run:*")), ...(await fixture.redis.keys("*:digest:*")));
    await fixture.redis.del(...(await fixture.redis.keys(`*:task:${first}`)));
    expect(await show(twin)).toEqual([410, "result-expired"]);
    const key = await binding();
    await fixture.redis.hdel(key, "admitted");
    await fixture.redis.hincrby(key, "since", -607_000);
    const again = await keyed("a", "k1", { deadline_ms: 6_000 });
    expect(again.status).toBe(202);
    expect(again.body["task_id"]).not.toBe(first);
    expect(await show(twin)).toEqual([410, "result-expired"]);
    // From now on the key names the new one.
    expect((await keyed("a", "k1", { deadline_ms: 6_000 })).body["task_id"]).toBe(again.body["task_id"]);
  });

  test("is refused with another body, whatever differs", async () => {
    await keyed("a", "k1");
    for (const other of [keyed("b", "k1"), keyed("a", "k1", { priority: "bulk" }), keyed("a", "k1", { top_k: 1 })]) {
      const answer = await other;
      expect(answer.status).toBe(422);
      expect(answer.body["code"]).toBe("idempotency-key-reused");
    }
    expect(await countRuns(fixture.redis)).toBe(1);
  });

  test("is admitted anew where Redis has lost its task, and is one task then", async () => {
    const first = await keyed({ image_base64: PNG.toString("base64") }, "k1");
    const key = await binding();
    const work = (await fixture.workKeys()).filter((name) => name !== key);
    await fixture.redis.del(...work);
    const again = await keyed({ image_base64: PNG.toString("base64") }, "k1");
    expect([again.status, again.body["task_id"]]).toEqual([202, first.body["task_id"]]);
    expect(again.headers).not.toHaveProperty("idempotent-replayed");
    expect((await fixture.workKeys()).sort()).toEqual([...work, key].sort());
    expect(await fixture.blobs()).toEqual([first.body["task_id"]]);
    const third = await keyed({ image_base64: PNG.toString("base64") }, "k1");
    expect([third.status, third.body["task_id"]]).toEqual([202, first.body["task_id"]]);
    expect(third.headers["idempotent-replayed"]).toBe("true");
  });

  test("is not admitted anew when its time is over: it may have ended, and its callers know how", async () => {
    const first = await keyed("a", "k1", { deadline_ms: 6_000 });
    const key = await binding();
    await fixture.redis.del(...(await fixture.workKeys()).filter((name) => name !== key));
    await fixture.redis.hincrby(key, "since", -607_000);
    const again = await keyed("a", "k1", { deadline_ms: 6_000 });
    expect(again.status).toBe(404);
    expect(await fixture.redis.hget(key, "task")).toBe(first.body["task_id"]);
    expect(await fixture.redis.keys("*:task:*")).toEqual([]);
  });

  test("is 410 when its result is kept no longer", async () => {
    const { body } = await keyed("a", "k1");
    const tasks = await fixture.redis.keys("*:run:*");
    await fixture.redis.del(...tasks);
    const answer = await keyed("a", "k1");
    expect([answer.status, answer.body["code"], body["status"]]).toEqual([410, "result-expired", "PENDING"]);
  });

  test("writes a picture once", async () => {
    const first = await keyed({ image_base64: PNG.toString("base64") }, "k1");
    await keyed({ image_base64: PNG.toString("base64") }, "k1");
    expect(await fixture.blobs()).toEqual([first.body["task_id"]]);
  });
});

test("a refused request gives its key back", async () => {
  const refused = await fixture.submit("a", { model: "lonely" }, { "idempotency-key": "k1" });
  expect(refused.status).toBe(503);
  expect(await fixture.workKeys()).toEqual([]);
  expect((await keyed("b", "k1")).status).toBe(202);
});

test.each(["", " ", "a b", "a".repeat(256), "caf\u00e9", "a\tb"])("the key %j is 400", async (key) => {
  const answer = await keyed("a", key);
  expect([answer.status, answer.body["code"]]).toEqual([400, "invalid-request"]);
  expect(await fixture.workKeys()).toEqual([]);
});

test("the longest key is taken, and never stands in Redis as it is", async () => {
  const key = "~".repeat(255);
  expect((await keyed("a", key)).status).toBe(202);
  expect(await binding()).toMatch(/^sluice:\{q:\d+\}:key:[A-Za-z0-9_-]{43}$/);
  expect(keys.idempotency(3, "x")).toBe("sluice:{q:3}:key:x");
});
