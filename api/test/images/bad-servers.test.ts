import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { drip, MIB, NEAR, URL_OF_PICTURE, useFetcher } from "./fetch-fixture.js";

const { fetcher, serve, serveRaw } = useFetcher();

/** What servers may answer; each writes it to the socket as it is. */
const BAD_ANSWERS: readonly (readonly [what: string, answer: (socket: Socket) => void, code: string])[] = [
  ["404", (it) => it.end("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc"), "input-fetch-failed"],
  ["204", (it) => it.end("HTTP/1.1 204 No Content\r\n\r\n"), "input-fetch-failed"],
  ["206", (it) => it.end("HTTP/1.1 206 Partial Content\r\ncontent-length: 3\r\n\r\nabc"), "input-fetch-failed"],
  [
    "300",
    (it) => it.end("HTTP/1.1 300 Multiple Choices\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n"),
    "input-fetch-failed",
  ],
  ["500", (it) => it.end("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"), "input-fetch-failed"],
  ["101", (it) => it.end("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"), "input-fetch-failed"],
  ["nothing, with 200", (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), "input-fetch-failed"],
  ["nothing at all", (it) => it.end(), "input-fetch-failed"],
  ["a reset", (it) => it.resetAndDestroy(), "input-fetch-failed"],
  ["what is no HTTP", (it) => it.end("SSH-2.0-OpenSSH_9.2\r\n"), "input-fetch-failed"],
  [
    "two lengths",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  ["a negative length", (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nabc"), "input-fetch-failed"],
  [
    "a broken chunk",
    (it) => it.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "chunks that are cut off",
    (it) => it.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    "input-fetch-failed",
  ],
  [
    "less than its length says",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "gzip",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "gzip, gzip",
    (it) => it.end("HTTP/1.1 200 OK\r\ncontent-encoding: gzip, gzip\r\ncontent-length: 3\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "two encodings",
    (it) =>
      it.end("HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-encoding: br\r\ncontent-length: 3\r\n\r\nabc"),
    "input-fetch-failed",
  ],
  [
    "two places",
    (it) => it.end("HTTP/1.1 302 Found\r\nlocation: /b\r\nlocation: /c\r\ncontent-length: 0\r\n\r\n"),
    "input-fetch-failed",
  ],
  [
    "20 KB of headers",
    (it) => it.end(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\ncontent-length: 3\r\n\r\nabc`),
    "input-fetch-failed",
  ],
  [
    "a length of 51 MiB",
    (it) => it.write(`HTTP/1.1 200 OK\r\ncontent-length: ${51 * MIB}\r\n\r\nabc`),
    "payload-too-large",
  ],
  [
    "a length beyond all numbers",
    (it) => it.write(`HTTP/1.1 200 OK\r\ncontent-length: ${"9".repeat(15)}\r\n\r\n`),
    "payload-too-large",
  ],
  ["headers without end", (it) => drip(it, "HTTP/1.1 200 OK\r\n", "x: y\r\n"), "input-fetch-timeout"],
  ["103 Early Hints without end", (it) => drip(it, "", "HTTP/1.1 103 Early Hints\r\n\r\n"), "input-fetch-timeout"],
  ["silence", () => undefined, "input-fetch-timeout"],
  ["headers, then silence", (it) => it.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"), "input-fetch-timeout"],
  ["a byte at a time", (it) => drip(it, "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n", "x"), "input-fetch-timeout"],
];

describe("a server that answers", () => {
  test.each(BAD_ANSWERS)("%s: nothing is kept of it", async (_what, answer, code) => {
    const port = await serveRaw(answer);
    const startMs = performance.now();
    expect(await fetcher({ ...NEAR, port, timeoutMs: 300 })(URL_OF_PICTURE)).toEqual({ code });
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  test("more than its length says gives what its length says", async () => {
    const port = await serveRaw((it) =>
      it.end("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcdefHTTP/1.1 200 OK\r\n\r\n"),
    );
    const outcome = await fetcher({ ...NEAR, port })(URL_OF_PICTURE);
    expect(outcome).toEqual({ bytes: Buffer.from("abc"), declaredType: undefined });
  });

  test("51 MiB without a length is left as soon as the limit is passed", async () => {
    let sent = 0;
    const port = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "image/png" });
      const piece = Buffer.alloc(MIB);
      const send = (): void => {
        while (!response.destroyed && sent < 200 * MIB && response.write(piece)) sent += piece.length;
      };
      response.on("drain", () => {
        sent += piece.length;
        send();
      });
      send();
    });
    const fetch = fetcher({ ...NEAR, port });
    expect(await fetch(URL_OF_PICTURE)).toEqual({ code: "payload-too-large" });
    expect(sent).toBeGreaterThanOrEqual(50 * MIB);
    expect(sent).toBeLessThan(70 * MIB);
  });

  test("not at all: nobody listens, or the host is silent", async () => {
    expect(await fetcher({ ...NEAR, port: 1 })(URL_OF_PICTURE)).toEqual({ code: "input-fetch-failed" });
    const silent = fetcher({ ...NEAR, open: ({ signal }) => new Socket({ signal }), timeoutMs: 100 });
    expect(await silent(URL_OF_PICTURE)).toEqual({ code: "input-fetch-timeout" });
  });

  test("slowly, in the name, the connection and each redirect, has the time of one fetch for all of it", async () => {
    const pause = () => new Promise((resolve) => setTimeout(resolve, 150));
    const port = await serve(
      (_request, response) => void pause().then(() => response.writeHead(302, { location: "/b" }).end()),
    );
    const resolve = () => pause().then(() => ["127.0.0.1"]);
    const startMs = performance.now();
    expect(await fetcher({ ...NEAR, port, resolve, timeoutMs: 500 })(URL_OF_PICTURE)).toEqual({
      code: "input-fetch-timeout",
    });
    expect(performance.now() - startMs).toBeGreaterThan(490);
  });
});
