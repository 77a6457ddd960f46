import { announceBatcher, keys, tellLaneLoads } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { type Answer, countRuns, until, useApi } from "./api-fixture.js";
import { echoOf, settle } from "./fake-worker.js";
import { JPEG, PNG } from "./pictures.js";

const fixture = useApi();

function expectRefusal(answer: Answer, code: string): void {
  expect(answer.body).toMatchObject({ code, status: 503, retryable: true });
  expect(answer.status).toBe(503);
  expect(Number(answer.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|EVALSHA|OOM|admit/);
}

describe("a refused submission leaves nothing", () => {
  test("when the queue is full; and a twin of what waits is still taken", async () => {
    // 16 tasks in all are one in each shard.
    await fixture.redis.hset(keys.config, "queue.max_depth", "16");
    await new Promise((resolve) => setTimeout(resolve, 700));
    const answers: Answer[] = [];
    for (let i = 0; i < 200; i++) answers.push(await fixture.submit(`text ${i}`));
    const refused = answers.filter((answer) => answer.status === 503);
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(16);
    expect(refused).toHaveLength(184);
    for (const answer of refused) expectRefusal(answer, "queue-full");
    expect(await countRuns(fixture.redis)).toBe(16);
    expect(await fixture.redis.keys("*:task:*")).toHaveLength(16);
    const taken = answers.findIndex((answer) => answer.status === 202);
    expect((await fixture.submit(`text ${taken}`)).body["cache"]).toBe("joined");
  });

  test("also no blob and no Idempotency-Key", async () => {
    await fixture.redis.hset(keys.config, { "queue.max_depth": "16", "queue.max_twins": "1" });
    await new Promise((resolve) => setTimeout(resolve, 700));
    const picture = { image_base64: PNG.toString("base64") };
    const first = await fixture.submit(picture);
    expect(first.status).toBe(202);
    const keysBefore = await fixture.workKeys();
    expectRefusal(await fixture.submit(picture, {}, { "idempotency-key": "k" }), "queue-full");
    expect(await fixture.workKeys()).toEqual(keysBefore);
    expect(await fixture.blobs()).toEqual([first.body["task_id"]]);
  });

  test("when no worker serves its pool; others are not touched", async () => {
    expectRefusal(await fixture.submit("a", { model: "lonely" }, { "idempotency-key": "k" }), "no-workers");
    expect(await fixture.workKeys()).toEqual([]);
    expect((await fixture.submit("a")).status).toBe(202);
  });

  test("when the workers of its pool went away; equal ones still join what waits, or get the result that is kept", async () => {
    const picture = { image_base64: PNG.toString("base64") };
    const done = await fixture.submit("done");
    await settle(fixture.redis, done.body["task_id"], echoOf("DONE"));
    const open = await fixture.submit(picture);
    await fixture.dismissWorkers();
    await until(async () => (await fixture.submit(`new ${Date.now()}`)).status === 503);
    const keysBefore = await fixture.workKeys();
    expectRefusal(await fixture.submit("new"), "no-workers");
    const another = { image_base64: JPEG.toString("base64") };
    expectRefusal(await fixture.submit(another, {}, { "idempotency-key": "k" }), "no-workers");
    expectRefusal(await fixture.submit("x".repeat(100_000)), "no-workers");
    expect(await fixture.workKeys()).toEqual(keysBefore);
    expect(await fixture.blobs()).toEqual([open.body["task_id"]]);
    const hit = await fixture.submit("done");
    expect([hit.status, hit.body["output"], hit.body["cache"]]).toEqual([200, { echo: "DONE" }, "hit"]);
    const joined = await fixture.submit(picture);
    expect([joined.status, joined.body["cache"]]).toEqual([202, "joined"]);
    expect(await fixture.blobs()).toEqual([open.body["task_id"]]);
    // Full of twins is not the same as without workers.
    await fixture.redis.hset(keys.config, "queue.max_twins", "2");
    await until(async () => (await fixture.submit(picture)).body["code"] === "queue-full");
  });

  test("when so much waits that it would miss its deadline; one with more time, and a twin of what waits, are taken", async () => {
    const open = await fixture.submit("open");
    const [ready = ""] = await fixture.redis.keys("*:ready:*");
    const lane = ready.slice(ready.indexOf(":ready:") + ":ready:".length);
    for (let task = 1; task < 20; task++) await fixture.submit(`open ${task}`);
    // Ten batches of a second before it, by two slots: five seconds, and half a second for itself.
    const load = { lane, openRuns: 20, oneMs: 1_000, fullRows: 2, fullMs: 1_000, slots: 2 };
    await announceBatcher(fixture.redis, { batcher: "b1" });
    const tell = () => tellLaneLoads(fixture.redis, { pool: "default", batcher: "b1" }, [load]);
    const telling = setInterval(() => void tell(), 500);
    try {
      await tell();
      let refused = await fixture.submit("first", { deadline_ms: 4_000 });
      await until(async () => {
        // Whatever is taken until the api has heard of the load waits too.
        await new Promise((resolve) => setTimeout(resolve, 100));
        refused = await fixture.submit(`soon ${Date.now()}`, { deadline_ms: 4_000 });
        return refused.status === 503;
      });
      const keysBefore = await fixture.workKeys();
      const again = await fixture.submit("late", { deadline_ms: 4_000 }, { "idempotency-key": "k" });
      for (const answer of [refused, again]) {
        expectRefusal(answer, "deadline-unattainable");
        expect(Number(answer.headers["retry-after"])).toBeGreaterThanOrEqual(2);
        expect(Number(answer.headers["retry-after"])).toBeLessThanOrEqual(9);
      }
      expect(await fixture.workKeys()).toEqual(keysBefore);
      expect((await fixture.submit("patient", { deadline_ms: 50_000 })).status).toBe(202);
      const joined = await fixture.submit("open", { deadline_ms: 4_000 });
      expect([joined.status, joined.body["cache"]]).toEqual([202, "joined"]);
      expect(open.status).toBe(202);
    } finally {
      clearInterval(telling);
    }
    // Nobody tells any more: the benefit of the doubt.
    await until(
      async () => (await fixture.submit(`later ${Date.now()}`, { deadline_ms: 4_000 })).status === 202,
      8_000,
    );
  });

  test("when Redis is three quarters full; equal ones still join what waits, and results can be written and read", async () => {
    const { body } = await fixture.submit("before");
    const used = Number(/used_memory:(\d+)/.exec(await fixture.redis.info("memory"))?.[1]);
    await fixture.redis.config("SET", "maxmemory", String(Math.round(used / 0.8)));
    try {
      await until(async () => (await fixture.submit(`new ${Date.now()}`)).body["code"] === "storage-full");
      const keysBefore = await fixture.workKeys();
      expectRefusal(await fixture.submit("new", {}, { "idempotency-key": "k" }), "storage-full");
      expectRefusal(await fixture.submit({ image_base64: PNG.toString("base64") }), "storage-full");
      expect(await fixture.workKeys()).toEqual(keysBefore);
      expect(await fixture.blobs()).toEqual([]);
      expect((await fixture.submit("before")).body["cache"]).toBe("joined");
      await settle(fixture.redis, body["task_id"], echoOf("BEFORE"));
      expect((await fixture.ask(`/v1/result/${String(body["task_id"])}`)).body["status"]).toBe("SUCCESS");
      // It is a setting like any other.
      await fixture.redis.hset(keys.config, "backpressure.redis_memory", "0.95");
      await until(async () => (await fixture.submit(`later ${Date.now()}`)).status === 202);
    } finally {
      await fixture.redis.config("SET", "maxmemory", "0");
    }
  });

  test("when Redis is out of memory, and reading goes on", async () => {
    const { body } = await fixture.submit("before");
    await fixture.redis.config("SET", "maxmemory", "1");
    try {
      const picture = { image_base64: PNG.toString("base64") };
      const keysBefore = await fixture.workKeys();
      expectRefusal(await fixture.submit("x"), "storage-unavailable");
      expectRefusal(await fixture.submit(picture), "storage-unavailable");
      expect(await fixture.blobs()).toEqual([]);
      expect(await fixture.workKeys()).toEqual(keysBefore);
      expect((await fixture.ask(`/v1/result/${String(body["task_id"])}`)).body["status"]).toBe("PENDING");
    } finally {
      await fixture.redis.config("SET", "maxmemory", "0");
    }
  });
});

describe("while Redis is away", () => {
  test("everything that needs it is 503, nothing is 500, and it goes on by itself", async () => {
    const { body } = await fixture.submit("before");
    const path = `/v1/result/${String(body["task_id"])}`;
    fixture.server.kill("SIGSTOP");
    const waiting = fixture.ask(`${path}?wait=8`);
    fixture.redis.disconnect(true);
    const asked = await Promise.all([
      fixture.submit("during"),
      fixture.ask(path),
      fixture.ask(`/v1/tasks/${String(body["task_id"])}/cancel`, { method: "POST" }),
    ]);
    for (const answer of asked) {
      expect(answer.status).toBe(503);
      expect(["storage-unavailable", "durability-unconfirmed"]).toContain(answer.body["code"]);
    }
    expect((await fixture.ask("/models")).status).toBe(200);
    expect((await fixture.ask("/healthz/live")).status).toBe(200);
    await until(async () => (await fixture.ask("/healthz/ready")).status === 503, 10_000);
    fixture.server.kill("SIGCONT");
    await until(async () => (await fixture.ask("/healthz/ready")).status === 200, 10_000);
    expect([200, 503]).toContain((await waiting).status);
    // Workers have to be seen again first.
    await until(async () => (await fixture.submit("after")).status === 202);
  });
});

test("metrics count what was done, with labels from closed sets", async () => {
  await fixture.submit("m");
  await fixture.submit("m");
  await fixture.submit("m", { model: "nobody-knows-this-one" });
  await fixture.submit("m", { model: "lonely" });
  const answer = await fixture.ask("/metrics");
  const text = String(answer.body["text"]);
  expect(answer.headers["content-type"]).toContain("text/plain");
  expect(text).toContain('sluice_admitted_total{model="echo"} 2');
  expect(text).toContain("sluice_collapsed_total 1");
  expect(text).toContain("sluice_cache_hits_total 0");
  expect(text).toContain('sluice_refused_total{code="model-not-found"} 1');
  expect(text).toContain('sluice_refused_total{code="no-workers"} 1');
  expect(text).toContain('sluice_http_request_seconds_count{route="/v1/inference",status="202"} 2');
  expect(text).toContain("sluice_waiters 0");
  expect(text).not.toContain("nobody-knows-this-one");
});

test("models are listed with what they take and answer", async () => {
  const answer = await fixture.ask("/models");
  expect(answer.status).toBe(200);
  const models = answer.body["models"] as Record<string, unknown>[];
  expect(models.map((model) => model["name"])).toEqual([
    "echo",
    "grid",
    "lonely",
    "numbers",
    "scenes",
    "shapes",
    "tongues",
    "words",
  ]);
  expect(models[5]).toEqual({
    name: "shapes",
    description: "",
    version: "1",
    framework: "python",
    default_for: "image",
    input: { kind: "image", width: 8, height: 8 },
    outputs: [{ name: "shape", kind: "labels", mode: "multi-class", threshold: 0, top_k: 5, label_count: 2 }],
    max_batch_size: 64,
    metrics: {},
    latency: [],
  });
});
