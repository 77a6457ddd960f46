import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseUrlAllowance } from "../../src/images/url-allowance.js";
import { countRuns, until, useApi } from "../api-fixture.js";
import { PNG } from "../pictures.js";

const fixture = useApi();
/** Answers that wait for the test. */
const held: ServerResponse[] = [];
let requests = 0;
const server = createServer((request, response) => {
  requests++;
  if (request.url === "/held") held.push(response);
  else if (request.url === "/loop") response.writeHead(302, { location: "/loop" }).end();
  else if (request.url === "/metadata") response.writeHead(302, { location: "http://169.254.169.254/" }).end();
  else if (request.url === "/html") response.writeHead(200, { "content-type": "text/html" }).end("<html></html>");
  else if (request.url === "/jpeg") response.writeHead(200, { "content-type": "image/jpeg" }).end(PNG);
  else if (request.url === "/large") response.writeHead(200).end(Buffer.alloc(51 * 1024 * 1024));
  else if (request.url === "/a.png") response.writeHead(200, { "content-type": "image/png" }).end(PNG);
  else response.writeHead(404).end();
});
let base = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(async () => {
  requests = 0;
  fixture.api = await fixture.startApi({ imageUrls: parseUrlAllowance(new URL(base).host) });
});
afterAll(() => server.close());

const submitUrl = (url: unknown, more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  fixture.submit({ image_url: url }, more, headers);

async function expectNothingLeft(): Promise<void> {
  expect(await fixture.workKeys()).toEqual([]);
  expect(await fixture.blobs()).toEqual([]);
  const { body } = await fixture.ask("/metrics");
  expect(String(body["text"])).toMatch(/^sluice_body_bytes 0$/m);
}

test("the picture behind a URL and the same picture in Base64 are one run", async () => {
  const fetched = await submitUrl(`${base}/a.png`);
  expect(fetched.body).toMatchObject({ status: "PENDING", cache: "miss" });
  const sent = await fixture.submit({ image_base64: PNG.toString("base64") });
  expect(sent.body).toMatchObject({ status: "PENDING", cache: "joined" });
  expect(await countRuns(fixture.redis)).toBe(1);
  expect(await fixture.blobs()).toHaveLength(1);
});

test("a repeat with the same Idempotency-Key is the same task while the picture is the same", async () => {
  const headers = { "idempotency-key": "k" };
  const first = await submitUrl(`${base}/a.png`, {}, headers);
  const again = await submitUrl(`${base}/a.png`, {}, headers);
  expect(again.body["task_id"]).toBe(first.body["task_id"]);
  expect(again.headers["idempotent-replayed"]).toBe("true");
});

describe("a request is refused, and leaves nothing, whose URL", () => {
  test.each([
    ["is empty", "", "422 validation-failed"],
    ["is no text", 5, "422 validation-failed"],
    ["is none", "hello", "422 url-not-allowed"],
    ["is a file", "file:///etc/passwd", "422 url-not-allowed"],
    ["is inside", "http://169.254.169.254/latest/meta-data/", "422 url-not-allowed"],
    ["is this machine", "http://localhost/", "422 url-not-allowed"],
    ["leads inside", "/metadata", "422 url-not-allowed"],
    ["leads on and on", "/loop", "422 too-many-redirects"],
    ["leads nowhere", "/nothing", "422 input-fetch-failed"],
    ["has no picture", "/html", "415 unsupported-image-type"],
    ["says another type than the picture has", "/jpeg", "415 unsupported-image-type"],
    ["has 51 MiB", "/large", "413 payload-too-large"],
  ])("%s", async (_what, url, answer) => {
    const { body } = await submitUrl(typeof url === "string" && url.startsWith("/") ? base + url : url);
    expect(`${String(body["status"])} ${String(body["code"])}`).toBe(answer);
    expect(JSON.stringify(body)).not.toMatch(/169\.254|127\.0\.0\.1|ECONN|node_modules/);
    await expectNothingLeft();
  });
});

test("beside a wrong field no URL is fetched", async () => {
  for (const more of [{ colour: 1 }, { top_k: 0 }]) {
    expect((await submitUrl(`${base}/a.png`, more)).body["code"]).toBe("validation-failed");
  }
  const both = await fixture.submit({ image_url: `${base}/a.png`, image_base64: PNG.toString("base64") });
  expect(both.body["errors"]).toEqual([{ pointer: "/input/image_url", detail: "is not a known field" }]);
  expect(requests).toBe(0);
});

test("where images are not fetched from URLs, none is", async () => {
  fixture.api = await fixture.startApi({ imageUrls: "off" });
  expect((await submitUrl(`${base}/a.png`)).body["code"]).toBe("url-not-allowed");
  expect(requests).toBe(0);
  await expectNothingLeft();
});

test("a server that does not answer is 504 with Retry-After, and meanwhile others are served", async () => {
  const startMs = performance.now();
  const waiting = submitUrl(`${base}/held`);
  await until(() => held.length === 1);
  expect((await fixture.submit("a text")).status).toBe(202);
  expect(performance.now() - startMs).toBeLessThan(4_000);
  const { status, body, headers } = await waiting;
  expect([status, body["code"], body["retryable"]]).toEqual([504, "input-fetch-timeout", true]);
  expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  held.splice(0);
});

test("the fetch ends when its caller goes away", async () => {
  const { port } = new URL(fixture.api.url);
  const body = JSON.stringify({ input: { image_url: `${base}/held` } });
  const caller = connect(Number(port), "127.0.0.1");
  caller.write(
    `POST /v1/inference HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await until(() => held.length === 1);
  caller.destroy();
  await until(() => held[0]?.destroyed === true, 2_000);
  held.splice(0);
  await until(async () => /^sluice_body_bytes 0$/m.test(String((await fixture.ask("/metrics")).body["text"])));
  expect(await fixture.workKeys()).toEqual([]);
});
