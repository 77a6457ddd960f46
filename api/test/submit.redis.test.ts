import { decodeTensorInput, keys, parseTaskId } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { allShards, countRuns, runField, until, useApi } from "./api-fixture.js";
import { echoOf, floatOutput, inputOf, settle, startEchoWorker, textOutput } from "./fake-worker.js";
import { JPEG, PNG } from "./pictures.js";

const fixture = useApi();

/** Entries in all ready streams of a lane. */
async function readyCount(lane: string): Promise<number> {
  const lengths = await Promise.all(allShards.map((shard) => fixture.redis.xlen(keys.ready(shard, lane))));
  return lengths.reduce((sum, length) => sum + length, 0);
}

describe("a submission", () => {
  test("is answered with its task id, and is in custody then", async () => {
    const answer = await fixture.submit("hello");
    const taskId = String(answer.body["task_id"]);
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      task_id: taskId,
      status: "PENDING",
      urls: { result: `/v1/result/${taskId}`, cancel: `/v1/tasks/${taskId}/cancel` },
      cache: "miss",
    });
    expect(answer.headers["location"]).toBe(`/v1/result/${taskId}`);
    expect(answer.headers["retry-after"]).toBe("1");
    const shard = parseTaskId(taskId)?.shard ?? -1;
    expect(await fixture.workKeys()).toEqual(
      [
        keys.lanes(shard),
        keys.digest(shard, (await runField(fixture.redis, taskId, "digest")) ?? ""),
        keys.ready(shard, "echo:1:local:now"),
        keys.run(shard, taskId),
        keys.task(shard, taskId),
      ].sort(),
    );
    expect((await inputOf(fixture.redis, taskId))?.toString()).toBe("hello");
    expect(await fixture.redis.hget(keys.task(shard, taskId), "owner")).toBe("anonymous");
  });

  test("that waits is answered with its result", async () => {
    const worker = await startEchoWorker(fixture.target, fixture.redis);
    const answer = await fixture.submit("salut", {}, { prefer: "wait=10" });
    await worker.stop();
    const taskId = answer.body["task_id"];
    expect(answer.status).toBe(200);
    expect(answer.headers["preference-applied"]).toBe("wait=10");
    expect(answer.body).toEqual({
      task_id: taskId,
      status: "SUCCESS",
      output: { echo: "salut" },
      model: "echo",
      model_version: "1",
      cache: "miss",
      timing: {
        queue_ms: 12.35,
        batch_wait_ms: 10,
        preprocess_ms: 0.5,
        infer_ms: 8,
        gpu_share_ms: 2.67,
        total_ms: expect.any(Number) as number,
      },
      batch: { id: "batch-1", size: 4, unique: 3, reason: "due" },
    });
  });

  test("whose time is over is answered 202, and the task goes on", async () => {
    const startMs = performance.now();
    const answer = await fixture.ask("/v1/inference?wait=1", { method: "POST", json: { input: "slow" } });
    expect(performance.now() - startMs).toBeGreaterThan(950);
    expect(performance.now() - startMs).toBeLessThan(1_500);
    expect(answer.status).toBe(202);
    expect(await settle(fixture.redis, answer.body["task_id"], echoOf("done"))).toBe("settled");
    const result = await fixture.ask(`/v1/result/${String(answer.body["task_id"])}`);
    expect(result.body).toMatchObject({ status: "SUCCESS", output: { echo: "done" } });
  });

  test("goes to the lane of its class with the deadline it names", async () => {
    const answer = await fixture.submit("later", { priority: "bulk", deadline_ms: 5_000, client_id: "me" });
    const taskId = String(answer.body["task_id"]);
    expect(await readyCount("echo:1:local:bulk")).toBe(1);
    expect(await readyCount("echo:1:local:now")).toBe(0);
    const deadline = Number(await runField(fixture.redis, taskId, "deadline"));
    const admitted = Number(await runField(fixture.redis, taskId, "admitted"));
    expect(deadline - admitted).toBe(5_000);
  });
});

describe("equal submissions", () => {
  test("1,000 at once make one run, and all get its result", async () => {
    const pending = Array.from({ length: 1_000 }, () => fixture.submit("twin", {}, { prefer: "wait=20" }));
    await until(() => fixture.api.waitCount() === 1_000, 15_000);
    expect(await countRuns(fixture.redis)).toBe(1);
    expect(await readyCount("echo:1:local:now")).toBe(1);
    const worker = await startEchoWorker(fixture.target, fixture.redis);
    const answers = await Promise.all(pending);
    await worker.stop();
    expect(worker.settled()).toBe(1);
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    expect(new Set(answers.map((answer) => answer.body["task_id"])).size).toBe(1_000);
    expect(answers.every((answer) => (answer.body["output"] as { echo: string }).echo === "twin")).toBe(true);
    const words = answers.map((answer) => answer.body["cache"]);
    expect(words.filter((word) => word === "miss")).toHaveLength(1);
    expect(words.filter((word) => word === "joined")).toHaveLength(999);
    expect(await countRuns(fixture.redis)).toBe(1);
  });

  test("later ones are answered at once from the kept result", async () => {
    const first = await fixture.submit("again");
    await settle(fixture.redis, first.body["task_id"], echoOf("kept"));
    const second = await fixture.submit("again");
    expect(second.status).toBe(200);
    expect(second.body).toMatchObject({ status: "SUCCESS", output: { echo: "kept" }, cache: "hit" });
    expect(second.body["task_id"]).not.toBe(first.body["task_id"]);
    const read = await fixture.ask(`/v1/result/${String(second.body["task_id"])}`);
    expect(read.body).toMatchObject({ cache: "hit", timing: { total_ms: 0 } });
    expect(await readyCount("echo:1:local:now")).toBe(0);
  });

  test("one that must not share is computed by itself", async () => {
    await fixture.submit("own");
    const answer = await fixture.submit("own", { dedupe: false });
    expect(answer.body["cache"]).toBe("miss");
    expect(await countRuns(fixture.redis)).toBe(2);
  });

  test("one that joins a run which ends before it listens still gets the result", async () => {
    const first = await fixture.submit("race");
    const second = fixture.submit("race", {}, { prefer: "wait=5" });
    await settle(fixture.redis, first.body["task_id"], echoOf("there"));
    expect((await second).body).toMatchObject({ status: "SUCCESS", output: { echo: "there" } });
  });
});

describe("views", () => {
  const scores = [floatOutput("S", [0.2, 0.7, 0.1]), floatOutput("M", [0.2, 0.36])];

  test("show labels best first, and callers with different ones share a run", async () => {
    const first = await fixture.submit("x", { model: "tongues" });
    await settle(fixture.redis, first.body["task_id"], { state: "SUCCESS", output: scores });
    const path = `/v1/result/${String(first.body["task_id"])}`;
    const top2 = [
      { label: "de", score: expect.closeTo(0.7) as number },
      { label: "fr", score: expect.closeTo(0.2) as number },
    ];
    const b = { label: "b", score: expect.closeTo(0.36) as number };
    const whole = await fixture.ask(path);
    expect(whole.body).toMatchObject({ output: { tongue: top2, marks: [b] }, threshold_used: { marks: 0.35 } });
    expect(Object.keys(whole.body["threshold_used"] as object)).toEqual(["marks"]);
    expect((await fixture.ask(`${path}?top_k=1`)).body).toMatchObject({ output: { tongue: [top2[0]], marks: [b] } });
    const strict = await fixture.submit("x", { model: "tongues", threshold: 0.15, top_k: 3 });
    expect(strict.body).toMatchObject({ cache: "hit", output: { tongue: top2 } });
    expect(strict.body).not.toHaveProperty("threshold_used");
    expect((strict.body["output"] as { marks: unknown[] }).marks).toHaveLength(2);
    expect(await countRuns(fixture.redis)).toBe(1);
  });

  test("a tensor that does not fit the model's labels is shown as it is", async () => {
    const { body } = await fixture.submit("y", { model: "tongues" });
    const output = [floatOutput("S", [0.5, NaN])];
    await settle(fixture.redis, body["task_id"], { state: "SUCCESS", output });
    const read = await fixture.ask(`/v1/result/${String(body["task_id"])}`);
    expect(read.body["output"]).toEqual({ tongue: { datatype: "FP32", shape: [2], data: [0.5, null] } });
  });
});

describe("tensors", () => {
  test("are stored as type, shape and bytes, and come back as numbers", async () => {
    const data = [0, 0.5, -1, 1e6];
    const { body } = await fixture.submit({ datatype: "FP32", shape: [4], data });
    const stored = decodeTensorInput((await inputOf(fixture.redis, body["task_id"])) ?? Buffer.alloc(0));
    expect(stored).toMatchObject({ datatype: "FP32", shape: [4] });
    expect(await runField(fixture.redis, String(body["task_id"]), "signature")).toBe("FP32:4");
    const output = [{ ...floatOutput("O", data), data: stored?.data ?? Buffer.alloc(0) }];
    await settle(fixture.redis, body["task_id"], { state: "SUCCESS", output });
    const read = await fixture.ask(`/v1/result/${String(body["task_id"])}`);
    expect(read.body["output"]).toEqual({ out: { datatype: "FP32", shape: [4], data } });
  });

  test("nested, flat and Base64 forms of one tensor are equal", async () => {
    const bytes = Buffer.from(new BigInt64Array([1n, 2n, 3n, -4n]).buffer);
    const forms = [{ data: [1, 2, "3", -4] }, { data: [[1, 2], [3, "-4"]] }, { data_base64: bytes.toString("base64") }]; // prettier-ignore
    for (const form of forms) await fixture.submit({ datatype: "INT64", shape: [2, 2], ...form }, { model: "grid" });
    expect(await countRuns(fixture.redis)).toBe(1);
    await fixture.submit({ datatype: "INT64", shape: [2, 1], data: [1, 2] }, { model: "grid" });
    expect(await countRuns(fixture.redis)).toBe(2);
  });

  test("of texts carry a length with each", async () => {
    const { body } = await fixture.submit({ datatype: "BYTES", shape: [2], data: ["é", ""] }, { model: "words" });
    const stored = decodeTensorInput((await inputOf(fixture.redis, body["task_id"])) ?? Buffer.alloc(0));
    expect(stored?.data).toEqual(Buffer.from([2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0]));
    await settle(fixture.redis, body["task_id"], { state: "SUCCESS", output: [textOutput("O", "done")] });
    const read = await fixture.ask(`/v1/result/${String(body["task_id"])}`);
    expect(read.body["output"]).toEqual({ out: "done" });
  });
});

describe("pictures", () => {
  const form = () => {
    const head =
      '--x\r\ncontent-disposition: form-data; name="image"; filename="../../etc/p"\r\ncontent-type: image/png\r\n\r\n';
    const tail = '\r\n--x\r\ncontent-disposition: form-data; name="top_k"\r\n\r\n1\r\n--x--\r\n';
    return Buffer.concat([Buffer.from(head), PNG, Buffer.from(tail)]);
  };
  const ways = {
    "as Base64": () => fixture.submit({ image_base64: PNG.toString("base64") }),
    "as a data URL": () => fixture.submit({ image_base64: `data:image/png;base64,${PNG.toString("base64")}` }),
    "as a form": () =>
      fixture.ask("/v1/inference", {
        method: "POST",
        raw: form(),
        headers: { "content-type": "multipart/form-data; boundary=x" },
      }),
    "as they are": () =>
      fixture.ask("/v1/inference?top_k=1&model=shapes", {
        method: "POST",
        raw: PNG,
        headers: { "content-type": "image/png" },
      }),
    "as some bytes": () =>
      fixture.ask("/v1/inference", {
        method: "POST",
        raw: PNG,
        headers: { "content-type": "application/octet-stream" },
      }),
  };

  test.each(Object.entries(ways))("sent %s lie in the blob store", async (_how, send) => {
    const answer = await send();
    const taskId = String(answer.body["task_id"]);
    expect(answer.status).toBe(202);
    expect(await fixture.blobs()).toEqual([taskId]);
    expect(await runField(fixture.redis, taskId, "blob")).toBe(taskId);
    expect(await inputOf(fixture.redis, taskId)).toBeNull();
    expect(await runField(fixture.redis, taskId, "lane")).toBe("shapes:1:local:now");
  });

  test("equal ones, however they are sent, are one run and one blob", async () => {
    const ids = [];
    for (const send of Object.values(ways)) ids.push((await send()).body["task_id"]);
    expect(await countRuns(fixture.redis)).toBe(1);
    expect(await fixture.blobs()).toEqual([ids[0]]);
    expect((await fixture.submit({ image_base64: JPEG.toString("base64") })).body["cache"]).toBe("miss");
    expect(await fixture.blobs()).toHaveLength(2);
  });
});

test("a text above 64 KB lies in the blob store, one of 64 KB in its run", async () => {
  const inline = await fixture.submit("x".repeat(65_536));
  expect((await inputOf(fixture.redis, inline.body["task_id"]))?.length).toBe(65_536);
  expect(await fixture.blobs()).toEqual([]);
  const large = await fixture.submit("x".repeat(65_537));
  expect(await fixture.blobs()).toEqual([large.body["task_id"]]);
});
