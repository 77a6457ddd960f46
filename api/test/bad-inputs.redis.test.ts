import { ERROR_CODES } from "@sluice/broker";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Answer, useApi } from "./api-fixture.js";
import { BAD_BODIES } from "./bad-inputs/bad-bodies.js";
import { BAD_FIELDS } from "./bad-inputs/bad-fields.js";
import { body, text } from "./bad-inputs/bad-input.js";
import { BAD_PICTURES } from "./bad-inputs/bad-pictures.js";
import { BAD_TENSORS } from "./bad-inputs/bad-tensors.js";

const fixture = useApi();

describe.each([
  ["bodies and headers", BAD_BODIES],
  ["fields", BAD_FIELDS],
  ["tensors", BAD_TENSORS],
  ["pictures", BAD_PICTURES],
] as const)("of %s", (_group, rows) => {
  test.each(rows)("%s is refused, and nothing is left of it", async (_what, ask, expected) => {
    const [status, code, pointer] = expected.split(" ");
    const answer = await fixture.ask(ask.path ?? "/v1/inference", ask);
    expect(answer.body).toMatchObject({ status: Number(status), code });
    expectProblem(answer);
    const wanted = expect.objectContaining({ pointer: pointer === "(whole)" ? "" : pointer }) as unknown;
    if (pointer !== undefined) expect(answer.body["errors"]).toContainEqual(wanted);
    expect(await fixture.workKeys()).toEqual([]);
    expect(await fixture.blobs()).toEqual([]);
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
  });
});

test("of two equal keys the last one counts", async () => {
  const answer = await fixture.ask(
    "/v1/inference",
    text('{"input":"a","input":"b","priority":"now","priority":"bulk"}'),
  );
  expect(answer.status).toBe(202);
  const [ready] = await fixture.redis.keys("*:ready:*");
  expect(ready).toContain(":bulk");
});

test("no more than 20 errors are told, however many there are", async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field-${i}-${"x".repeat(500)}`, 1]));
  const answer = await fixture.ask("/v1/inference", body({ input: "a", ...many }));
  expect(answer.body["errors"]).toHaveLength(20);
  expect(JSON.stringify(answer.body).length).toBeLessThan(20_000);
});

test.each([
  ["GET", "/v1/inference", "POST"],
  ["DELETE", "/models", "GET, HEAD"],
  ["PUT", "/v1/result/x", "GET, HEAD"],
  ["GET", "/v1/tasks/x/cancel", "POST"],
] as const)("%s %s is 405 and says what is allowed", async (method, path, allow) => {
  const answer = await fixture.ask(path, { method });
  expect(answer.status).toBe(405);
  expect(answer.headers["allow"]).toBe(allow);
  expectProblem(answer);
});

test.each(["/", "/v1", "/v1/inference/", "/V1/inference", "//evil/v1/inference", "/models%00", "/.env"])(
  "%s is 404",
  async (path) => {
    const answer = await fixture.ask(path);
    expect(answer.body).toMatchObject({ code: "not-found", status: 404 });
    expectProblem(answer);
  },
);

test("preferences that cannot be understood are ignored, too long ones are cut to 60 s", async () => {
  for (const prefer of ["wait=-1", "wait=soon", "respond-async", "wait"]) {
    const answer = await fixture.submit(`p ${prefer}`, {}, { prefer });
    expect(answer.status).toBe(202);
    expect(answer.headers).not.toHaveProperty("preference-applied");
  }
  const answer = await fixture.submit("p", {}, { prefer: "respond-async, wait=0" });
  expect(answer.headers["preference-applied"]).toBe("wait=0");
});

test.each(["a million keys", "ten million elements", "a million escaped quotes"])(
  "%s cost a moment of the event loop",
  async (name) => {
    const row = BAD_BODIES.find(([what]) => what === name);
    let longestMs = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 1);
    const answer = await fixture.ask("/v1/inference", row?.[1]);
    clearInterval(timer);
    expect(answer.body["code"]).toBe("json-too-complex");
    expect(longestMs).toBeLessThan(250);
  },
);

test("whatever is sent, no answer is a 500", async () => {
  const parts = fc.record(
    {
      input: fc.oneof(
        fc.jsonValue(),
        fc.string({ unit: "binary" }),
        fc.record({
          datatype: fc.constantFrom("FP32", "BYTES", "INT64", "x"),
          shape: fc.jsonValue(),
          data: fc.jsonValue(),
        }),
        fc.record({ image_base64: fc.oneof(fc.base64String(), fc.string()) }),
      ),
      model: fc.oneof(fc.constantFrom("echo", "grid", "words", "numbers", "shapes"), fc.string()),
      priority: fc.oneof(fc.constantFrom("now", "bulk"), fc.jsonValue()),
      deadline_ms: fc.oneof(fc.integer(), fc.double()),
      top_k: fc.jsonValue(),
      threshold: fc.double(),
      dedupe: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  const raw = fc.oneof(
    parts.map((it) => JSON.stringify(it)),
    fc.json(),
    fc.string({ unit: "binary" }),
    fc.uint8Array().map((it) => Buffer.from(it)),
  );
  const types = fc.constantFrom(
    "application/json",
    "multipart/form-data; boundary=x",
    "image/png",
    "application/octet-stream",
    "x/y",
  );
  await fc.assert(
    fc.asyncProperty(raw, types, async (sent, type) => {
      const answer = await fixture.ask("/v1/inference", text(sent, { "content-type": type }));
      expect([202, 400, 404, 413, 415, 422]).toContain(answer.status);
    }),
    { numRuns: 1_000 },
  );
});

function expectProblem(answer: Answer): void {
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  const { code, status } = answer.body as { code: keyof typeof ERROR_CODES; status: number };
  expect(answer.status).toBe(status);
  expect(status).toBeLessThan(500);
  expect(answer.body).toMatchObject({
    type: `/problems/${code}`,
    title: ERROR_CODES[code].meaning,
    retryable: ERROR_CODES[code].retryable,
    detail: expect.any(String) as string,
    instance: expect.any(String) as string,
    request_id: expect.stringMatching(/./) as string,
  });
  expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|at \w+ \(|node_modules|EVALSHA|redis/i);
}
