import { createTaskId, type RowOutcome } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { answered, onlyRun } from "./answered.js";
import { useApi } from "./api-fixture.js";
import { floatOutput, RECORD, settle } from "./fake-worker.js";
import { JPEG, PNG } from "./pictures.js";

const fixture = useApi();

const SCENE: RowOutcome = {
  state: "SUCCESS",
  output: [
    floatOutput("MAIN", [0.25, 0.5, 0.125]),
    floatOutput("SEEN", [0.25, 0.375]),
    floatOutput("BOX", [0, 0, 1, 1, 0.25, 0.25, 0.5, 0.5]),
  ],
};
const base64 = PNG.toString("base64");
const scene = (more: Record<string, unknown> = {}) => ({ json: { image_base64: base64, model: "scenes", ...more } });
const jpeg = { raw: JPEG, headers: { "content-type": "image/jpeg" } };

describe("POST /classify", () => {
  test("answers the labels of one picture, best first, with all that stands in its schema", async () => {
    const answer = await answered(fixture, "/classify", scene(), SCENE);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      predictions: [
        { label: "star", score: 0.5 },
        { label: "disc", score: 0.25 },
        { label: "ring", score: 0.125 },
      ],
      model: "scenes",
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
    });
  });

  test("mode chooses the output; boxes are passed on; a threshold that nothing reaches is lowered and told", async () => {
    const answer = await answered(fixture, "/classify", scene({ mode: "multi-label" }), SCENE);
    expect(answer.body).toMatchObject({
      predictions: [{ label: "blue", score: 0.375, box: [0.25, 0.25, 0.5, 0.5] }],
      threshold_used: 0.35,
    });
  });

  test("top_k and threshold leave labels out", async () => {
    const answer = await answered(fixture, "/classify", scene({ top_k: 2, threshold: 0.3 }), SCENE);
    expect(answer.body["predictions"]).toEqual([{ label: "star", score: 0.5 }]);
  });

  test.each([
    ["raw bytes", { ...jpeg, path: "/classify?top_k=1" }],
    ["a data URL", { json: { image_base64: `data:image/png;base64,${base64}`, top_k: 1 }, path: "/classify" }],
  ])("takes %s, and the default model for pictures", async (_how, { path, ...ask }) => {
    const outcome: RowOutcome = { state: "SUCCESS", output: [floatOutput("S", [0.75, 0.25])] };
    const answer = await answered(fixture, path, ask, outcome);
    expect(answer.body).toMatchObject({ predictions: [{ label: "disc", score: 0.75 }], model: "shapes" });
  });

  test("shares the run of an equal picture, and is a hit when it was there before", async () => {
    await answered(fixture, "/classify", scene(), SCENE);
    const again = await fixture.ask("/classify", { method: "POST", ...scene() });
    expect(again.body).toMatchObject({ cache: "hit", predictions: [{ label: "star" }, {}, {}] });
    const inference = await fixture.submit({ image_base64: base64 }, { model: "scenes" });
    expect(inference.body).toMatchObject({ cache: "hit", output: { main: [{ label: "star" }, {}, {}] } });
  });

  test("a picture that the model refuses is 422, with the reason; and one that nobody runs in time is 504", async () => {
    const failure = { code: "input-rejected", message: "it cannot be decoded" } as const;
    const refused = await answered(fixture, "/classify", scene(), { state: "FAILED", failure });
    expect(refused.status).toBe(422);
    expect(refused.body).toMatchObject({ code: "input-rejected", detail: "it cannot be decoded" });
    const late = await fixture.ask("/classify", { method: "POST", ...scene({ deadline_ms: 150, threshold: 0.1 }) });
    expect(late.status).toBe(504);
    expect(late.body).toMatchObject({ code: "result-timeout", retryable: true });
  });

  test("whose task somebody cancels is 409", async () => {
    const answer = fixture.ask("/classify", { method: "POST", ...scene() });
    await fixture.ask(`/v1/tasks/${await onlyRun(fixture)}/cancel`, { method: "POST" });
    expect(await answer).toMatchObject({ status: 409, body: { code: "task-ended" } });
  });

  test("scores that do not fit the labels are 502, not a guess", async () => {
    const outcome: RowOutcome = { state: "SUCCESS", output: [floatOutput("MAIN", [1])] };
    const answer = await answered(fixture, "/classify", scene(), outcome);
    expect(answer).toMatchObject({ status: 502, body: { code: "upstream-invalid" } });
  });
});

describe("POST /v1/recognize", () => {
  const ask = (more: Record<string, unknown> = {}) => ({ json: { image_data: base64, model_id: "scenes", ...more } });

  test("answers a small picture at once", async () => {
    const answer = await answered(fixture, "/v1/recognize", ask(), SCENE);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      request_id: expect.any(String) as string,
      status: "done",
      labels: [{ label: "blue", score: 0.375, bounding_box: [0.25, 0.25, 0.5, 0.5] }],
      threshold_used: 0.35,
      cache_hit: false,
      model_id: "scenes",
      model_version: "1",
    });
    const again = await fixture.ask("/v1/recognize", { method: "POST", ...ask({ confidence_threshold: 0.2 }) });
    expect(again.body).toMatchObject({ cache_hit: true, labels: [{ label: "blue" }, { label: "red" }] });
  });

  test("a large one is pending at first, then processing, and can be read when it is done", async () => {
    const large = Buffer.concat([JPEG, Buffer.alloc(2 * 1024 * 1024)]);
    const headers = { "content-type": "image/jpeg" };
    const answer = await fixture.ask("/v1/recognize?model_id=scenes", { method: "POST", raw: large, headers });
    const id = String(answer.body["request_id"]);
    const urls = { result: `/v1/recognize/${id}`, cancel: `/v1/tasks/${id}/cancel` };
    expect(answer.status).toBe(202);
    expect(answer.headers).toMatchObject({ location: urls.result, "retry-after": "1" });
    expect(answer.body).toEqual({ request_id: id, status: "pending", urls });
    expect((await fixture.ask(urls.result)).body).toEqual({ request_id: id, status: "pending", urls });
    await settle(fixture.redis, id, SCENE, RECORD);
    const done = await fixture.ask(`${urls.result}?confidence_threshold=0.3`);
    expect(done.body).toMatchObject({ request_id: id, status: "done", labels: [{ label: "blue" }], cache_hit: false });
  });

  test("what failed says why", async () => {
    const failure = { code: "input-rejected", message: "it cannot be decoded" } as const;
    const answer = await answered(fixture, "/v1/recognize", ask(), { state: "FAILED", failure });
    expect(answer).toMatchObject({ status: 422, body: { code: "input-rejected" } });
    const pending = await fixture.submit({ image_base64: base64 }, { model: "scenes", dedupe: false });
    const id = String(pending.body["task_id"]);
    await settle(fixture.redis, id, { state: "FAILED", failure });
    const read = await fixture.ask(`/v1/recognize/${id}`);
    expect(read.body).toMatchObject({ request_id: id, status: "failed", error: failure });
  });
});

describe("what both refuse, and nothing is left of it", () => {
  const wrong = [
    [{ json: {} }, 422, "validation-failed", ""],
    [{ json: [] }, 422, "validation-failed", ""],
    [{ json: { image_url: "http://127.0.0.1/", s3: { bucket: "bucket", key: "k" } } }, 422, "validation-failed", ""],
    [{ json: { image_url: "http://127.0.0.1/a.png" } }, 422, "url-not-allowed", undefined],
    [{ json: { s3: { bucket: "bucket", key: "k" } } }, 403, "s3-bucket-not-allowed", undefined],
    [{ json: { image_url: 5 } }, 422, "validation-failed", "/image_url"],
    [{ json: { image_url: "x", owner: "me" } }, 422, "validation-failed", "/owner"],
    [{ raw: "{", headers: { "content-type": "application/json" } }, 400, "invalid-json", undefined],
    [{ raw: "x", headers: { "content-type": "text/plain" } }, 415, "unsupported-media-type", undefined],
    [{ raw: "hello", headers: { "content-type": "image/png" } }, 415, "unsupported-image-type", undefined],
    [{ raw: JPEG, headers: { "content-type": "image/png" } }, 415, "unsupported-image-type", undefined],
    [{ raw: PNG, headers: { "content-type": "image/png", accept: "text/html" } }, 406, "not-acceptable", undefined],
    [
      { raw: PNG, headers: { "content-type": "image/png", "content-encoding": "gzip" } },
      415,
      "unsupported-content-encoding",
      undefined,
    ],
  ] as const;
  const paths = ["/classify", "/v1/recognize"] as const;
  test.each(paths.flatMap((path) => wrong.map((row) => [path, ...row] as const)))(
    "%s %j is %i %s",
    async (path, ask, ...[status, code, pointer]) => {
      const answer = await fixture.ask(path, { method: "POST", ...ask });
      expect(answer.body).toMatchObject({ status, code });
      if (pointer !== undefined) expect(answer.body["errors"]).toMatchObject([{ pointer }]);
      expect(await fixture.workKeys()).toEqual([]);
      expect(await fixture.blobs()).toEqual([]);
    },
  );

  test.each([
    ["/classify", { image_base64: base64, model: "none" }, 404, "model-not-found"],
    ["/classify", { image_base64: base64, model: "echo" }, 422, "validation-failed"],
    ["/classify", { image_base64: base64, mode: "multi-label" }, 422, "validation-failed"],
    ["/classify", { image_base64: base64, mode: "all" }, 422, "validation-failed"],
    ["/classify", { image_base64: base64, top_k: 0 }, 422, "validation-failed"],
    ["/classify", { image_base64: base64, deadline_ms: 60_001 }, 422, "validation-failed"],
    ["/classify", { image_base64: "%%%" }, 422, "invalid-base64"],
    ["/classify", { image_data: base64 }, 422, "validation-failed"],
    ["/v1/recognize", { image_base64: base64 }, 422, "validation-failed"],
    ["/v1/recognize", { image_data: base64, model_id: "../x" }, 422, "validation-failed"],
    ["/v1/recognize", { image_data: base64, model_id: "none" }, 404, "model-not-found"],
    ["/v1/recognize", { image_data: base64, confidence_threshold: 2 }, 422, "validation-failed"],
  ])("%s %j is %i %s", async (path, json, status, code) => {
    const answer = await fixture.ask(path, { method: "POST", json });
    expect(answer.body).toMatchObject({ status, code });
    expect(await fixture.workKeys()).toEqual([]);
    expect(await fixture.blobs()).toEqual([]);
  });

  test("an id that is none, or nobody's, is 404", async () => {
    for (const id of ["x", createTaskId(3, Date.now())]) {
      expect((await fixture.ask(`/v1/recognize/${id}`)).status).toBe(404);
    }
  });
});
