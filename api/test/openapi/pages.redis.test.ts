import { expect, test } from "vitest";
import { OPERATIONS } from "../../src/openapi/operations.js";
import { useApi } from "../api-fixture.js";

const fixture = useApi();

test("the document and the pages are served, and not sent twice", async () => {
  const document = await fixture.ask("/openapi.json");
  expect(document).toMatchObject({ status: 200, body: { openapi: "3.1.0" } });
  expect(Object.keys(document.body["paths"] as object)).toHaveLength(new Set(OPERATIONS.map(({ path }) => path)).size);
  const docs = await fixture.ask("/docs");
  expect(docs.status).toBe(200);
  expect(docs.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(docs.headers["content-security-policy"]).toContain("default-src 'none'");
  for (const [path, { headers }] of [["/openapi.json", document] as const, ["/docs", docs] as const]) {
    const again = await fixture.ask(path, { headers: { "if-none-match": String(headers["etag"]) } });
    expect(again).toMatchObject({ status: 304, body: { text: "" } });
  }
});

test("the type of a problem leads to its page", async () => {
  const problem = await fixture.ask("/v1/result/x");
  const page = await fixture.ask(String(problem.body["type"]));
  expect(page.status).toBe(200);
  expect(String(page.body["text"])).toContain("<h1>task-not-found</h1>");
  expect((await fixture.ask("/problems/none")).status).toBe(404);
  expect((await fixture.ask("/problems/__proto__")).status).toBe(404);
});
