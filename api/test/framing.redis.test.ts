import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { countRuns, until, useApi } from "./api-fixture.js";
import { PNG } from "./pictures.js";

const fixture = useApi();

/** What comes back on one connection until it is closed, or is silent for `quietMs`. */
function exchange(
  send: string | ((write: (text: string | Buffer) => boolean) => void),
  quietMs = 400,
): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(fixture.api.url).port), "127.0.0.1");
    let text = "";
    const done = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text, closed });
    };
    let timer = setTimeout(() => done(false), quietMs);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      clearTimeout(timer);
      timer = setTimeout(() => done(false), quietMs);
    });
    socket.on("close", () => done(true));
    socket.on("error", () => undefined);
    socket.on("connect", () => {
      if (typeof send === "string") socket.write(send);
      else send((chunk) => socket.writable && socket.write(chunk));
    });
  });
}

const post = (headers: string, body = "") =>
  `POST /v1/inference HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;
const MEGABYTE = 1024 * 1024;

describe("requests that no parser should guess about", () => {
  const good = '{"input":"a"}';
  test.each([
    [
      "Content-Length and Transfer-Encoding",
      post(`content-length: ${good.length}\r\ntransfer-encoding: chunked\r\n`, good),
    ],
    ["two Content-Lengths", post(`content-length: ${good.length}\r\ncontent-length: 3\r\n`, good)],
    ["an unknown Transfer-Encoding", post("transfer-encoding: xchunked\r\n", good)],
    ["a chunk whose length is none", post("transfer-encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n")],
    ["a NUL in a header", post("x-a: b\0c\r\ncontent-length: 0\r\n")],
    ["a folded header", post("x-a: b\r\n c: d\r\ncontent-length: 0\r\n").replace("x-a: b\r\n c", "x-a\r\n c")],
    ["no Host", "GET /models HTTP/1.1\r\n\r\n"],
    ["no HTTP", "hello\r\n\r\n"],
  ])("%s: 400, connection closed, nothing admitted", async (_what, bytes) => {
    const { text, closed } = await exchange(bytes, 1_500);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(closed).toBe(true);
    expect(await fixture.workKeys()).toEqual([]);
  });

  test("a Host that is none is 400", async () => {
    const { text } = await exchange("GET /models HTTP/1.1\r\nhost: a b/c\r\n\r\n");
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain('"code":"invalid-request"');
  });

  test.each(["/v1/%2e%2e/models", "/v1/../models", "http://evil/models", "//evil/models"])(
    "the target %s is 404, never another path and never a redirect",
    async (target) => {
      const { text } = await exchange(`GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`);
      expect(text).toMatch(/^HTTP\/1\.1 40[04] /);
      expect(text).toContain("application/problem+json");
    },
  );

  test("TRACE is refused", async () => {
    expect((await exchange("TRACE /models HTTP/1.1\r\nhost: x\r\n\r\n")).text).toMatch(/^HTTP\/1\.1 405 /);
  });
});

describe("too much", () => {
  test("headers above 16 KB, or more than 100 of them, are 431", async () => {
    const large = await exchange(`GET /models HTTP/1.1\r\nhost: x\r\nx-a: ${"a".repeat(17_000)}\r\n\r\n`);
    expect(large.text).toMatch(/^HTTP\/1\.1 431 /);
    expect(large.text).toContain('"code":"headers-too-large"');
    expect(large.closed).toBe(true);
    const many = Array.from({ length: 101 }, (_, i) => `x-${i}: a\r\n`).join("");
    expect((await exchange(`GET /models HTTP/1.1\r\nhost: x\r\n${many}\r\n`)).text).toMatch(/^HTTP\/1\.1 431 /);
  });

  test("a body whose length is announced is refused before it is sent", async () => {
    const { text, closed } = await exchange(post(`content-length: ${80 * MEGABYTE}\r\n`), 2_000);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).toMatch(/connection: close/i);
    expect(text).toContain('"code":"payload-too-large"');
    expect(closed).toBe(true);
  });

  test("whoever asks first (Expect: 100-continue) is not told to go on", async () => {
    const refused = await exchange(post(`expect: 100-continue\r\ncontent-length: ${80 * MEGABYTE}\r\n`), 2_000);
    expect(refused.text).toMatch(/^HTTP\/1\.1 413 /);
    const body = '{"input":"a"}';
    const taken = await exchange((write) => {
      write(post(`expect: 100-continue\r\ncontent-length: ${body.length}\r\n`));
      setTimeout(() => write(body), 50);
    });
    expect(taken.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
  });

  test("an endless chunked body is cut at the limit, and memory stays flat", async () => {
    const chunk = Buffer.concat([
      Buffer.from(`${MEGABYTE.toString(16)}\r\n`),
      Buffer.alloc(MEGABYTE, "a"),
      Buffer.from("\r\n"),
    ]);
    const before = process.memoryUsage().rss;
    const { text, closed } = await exchange((write) => {
      write(post("transfer-encoding: chunked\r\n"));
      let sent = 0;
      const more = () => {
        while (write(chunk)) if (++sent > 400) return;
        setTimeout(more, 5);
      };
      more();
    }, 5_000);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(closed).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * MEGABYTE);
    expect(await fixture.workKeys()).toEqual([]);
  });

  test("a picture above 50 MB is 413 as Base64, as form and as bytes", { timeout: 60_000 }, async () => {
    const large = Buffer.alloc(50 * MEGABYTE + 3, 1);
    large.set(PNG);
    const json = await fixture.submit({ image_base64: large.toString("base64") });
    expect(json.body).toMatchObject({ code: "payload-too-large" });
    const head = '--x\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n';
    const form = Buffer.concat([Buffer.from(head), large, Buffer.from("\r\n--x--\r\n")]);
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const multipart = await fixture.ask("/v1/inference", { method: "POST", raw: form, headers });
    expect(multipart.body).toMatchObject({ code: "payload-too-large" });
    const raw = { method: "POST", raw: large, headers: { "content-type": "image/png" } } as const;
    expect((await fixture.ask("/v1/inference", raw)).body).toMatchObject({ code: "payload-too-large" });
    const fits = { ...raw, raw: large.subarray(0, 50 * MEGABYTE) };
    expect((await fixture.ask("/v1/inference", fits)).status).toBe(202);
    expect(await fixture.blobs()).toHaveLength(1);
  });
});

test("a body that is cut off leaves nothing", async () => {
  const { text } = await exchange((write) => write(post("content-length: 100\r\n", '{"input":')), 100);
  expect(text).toBe("");
  expect(await fixture.workKeys()).toEqual([]);
});

test("requests that follow each other on one connection without waiting are all answered, in order", async () => {
  const body = (i: number) => `{"input":"pipelined ${i % 10}"}`;
  const all = Array.from({ length: 1_000 }, (_, i) => post(`content-length: ${body(i).length}\r\n`, body(i))).join("");
  let text = "";
  const socket = connect(Number(new URL(fixture.api.url).port), "127.0.0.1");
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.write(all);
  await until(() => text.split("HTTP/1.1 202 ").length === 1_001, 20_000);
  socket.destroy();
  expect(await countRuns(fixture.redis)).toBe(10);
});
