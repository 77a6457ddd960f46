import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { useApi } from "./api-fixture.js";

const fixture = useApi({ headersTimeoutMs: 300, requestTimeoutMs: 900 });

/** Sends these pieces, one each `everyMs`, and gives what came back when the connection was closed. */
async function send(pieces: readonly string[], everyMs = 0): Promise<{ text: string; afterMs: number }> {
  const startMs = performance.now();
  const socket = connect(Number(new URL(fixture.api.url).port), "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  const closed = once(socket, "close");
  for (const piece of pieces) {
    if (!socket.writable) break;
    socket.write(piece);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await closed;
  return { text, afterMs: performance.now() - startMs };
}

function expectTimeout(text: string): void {
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 408"]);
  expect(text).toMatch(/\r\nconnection: close\r\n/i);
  expect(text).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/i);
  const problem = JSON.parse(text.slice(text.indexOf("\r\n\r\n"))) as unknown;
  expect(problem).toMatchObject({ status: 408, code: "request-timeout", retryable: true });
}

const HEADERS = "POST /v1/inference HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";

test("headers that do not end in time are 408, and the connection is closed", async () => {
  const { text, afterMs } = await send([HEADERS]);
  expectTimeout(text);
  expect(afterMs).toBeGreaterThanOrEqual(290);
  // Node looks once a second.
  expect(afterMs).toBeLessThan(5_000);
});

test("a body that does not end in time is 408, and nothing is admitted", async () => {
  const { text, afterMs } = await send([`${HEADERS}content-length: 100\r\n\r\n{"input":`]);
  expectTimeout(text);
  expect(afterMs).toBeGreaterThanOrEqual(890);
  expect(await fixture.workKeys()).toEqual([]);
  expect((await fixture.submit("next")).status).toBe(202);
});

test("bytes that keep coming do not prolong it", async () => {
  const dribble = Array.from({ length: 60 }, () => "x");
  const body = send([`${HEADERS}content-length: 100\r\n\r\n`, ...dribble], 50);
  const headers = send([HEADERS, ...dribble.map((_, i) => `x-${i}: a\r\n`)], 50);
  expectTimeout((await body).text);
  expectTimeout((await headers).text);
  expect(await fixture.workKeys()).toEqual([]);
});

test("waiting for a result is not slowness of the request", async () => {
  const answer = await fixture.submit("waits", {}, { prefer: "wait=2" });
  expect(answer.status).toBe(202);
  expect(answer.headers["connection"]).toBe("keep-alive");
});
