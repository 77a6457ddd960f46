import { once } from "node:events";
import { connect } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { type Answer, until, useApi } from "./api-fixture.js";
import { PNG } from "./pictures.js";

const MIB = 1024 * 1024;
const fixture = useApi({ bodyBudgetBytes: 80 * MIB });

/** What the api says that it holds. */
async function heldBytes(): Promise<number> {
  const { body } = await fixture.ask("/metrics");
  return Number(/^sluice_body_bytes (\d+)$/m.exec(String(body["text"]))?.[1]);
}

/** A connection on which a picture is announced, and `sent` bytes of it are sent. */
function announce(length: string, sent: number) {
  const socket = connect(Number(new URL(fixture.api.url).port), "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("error", () => undefined);
  socket.write(`POST /v1/inference HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\n${length}\r\n\r\n`);
  if (sent > 0) socket.write(Buffer.alloc(sent));
  return { socket, text: () => text, closed: once(socket, "close") };
}

const chunked = (bytes: number) =>
  Buffer.concat([Buffer.from(`${bytes.toString(16)}\r\n`), Buffer.alloc(bytes), Buffer.from("\r\n")]);

function expectOverloaded(text: string): void {
  expect(text).toMatch(/^HTTP\/1\.1 503 /);
  expect(text).toMatch(/\r\nretry-after: [1-3]\r\n/i);
  expect(text).toMatch(/\r\nconnection: close\r\n/i);
  expect(text).toContain('"code":"overloaded"');
  expect(text).toContain('"retryable":true');
}

test("what is beyond the budget is refused before it is sent; small bodies still pass; aborts give all back", async () => {
  const first = announce(`content-length: ${40 * MIB}`, 1_000);
  await until(async () => (await heldBytes()) === 40 * MIB);
  const second = announce(`content-length: ${40 * MIB}`, 0);
  await until(() => second.text().includes("overloaded"));
  expectOverloaded(second.text());
  await second.closed;
  // Whoever asks first is not told to go on.
  const third = announce(`expect: 100-continue\r\ncontent-length: ${40 * MIB}`, 0);
  await third.closed;
  expectOverloaded(third.text());
  expect((await fixture.submit("a text")).status).toBe(202);
  expect(await heldBytes()).toBe(40 * MIB);
  first.socket.destroy();
  await until(async () => (await heldBytes()) === 0);
  expect((await fixture.submit({ image_base64: PNG.toString("base64") })).status).toBe(202);
  expect(await fixture.blobs()).toHaveLength(1);
});

test("a body without a length is counted as it comes, and refused in the middle", async () => {
  const first = announce(`content-length: ${50 * MIB}`, 0);
  await until(async () => (await heldBytes()) === 50 * MIB);
  const second = announce("transfer-encoding: chunked", 0);
  second.socket.write(chunked(12 * MIB));
  await until(async () => (await heldBytes()) === 62 * MIB);
  second.socket.write(chunked(12 * MIB));
  await second.closed;
  expectOverloaded(second.text());
  expect(await heldBytes()).toBe(50 * MIB);
  first.socket.resetAndDestroy();
  await until(async () => (await heldBytes()) === 0);
});

test("100 clients with 50 MB each never make it hold more than the budget, and at the end it holds nothing", async () => {
  const clients = Array.from({ length: 100 }, () => announce(`content-length: ${50 * MIB}`, 10_000));
  await until(() => clients.filter((client) => client.text().includes('"code":"overloaded"')).length === 99);
  expect(await heldBytes()).toBe(50 * MIB);
  for (const client of clients) client.socket.destroy();
  await until(async () => (await heldBytes()) === 0);
  expect(await fixture.workKeys()).toEqual([]);
  expect(await fixture.blobs()).toEqual([]);
});

test("whatever refuses a body gives its bytes back", async () => {
  const bad = { image_base64: Buffer.alloc(MIB).toString("base64") };
  expect((await fixture.submit(bad)).status).toBe(415);
  expect((await fixture.submit("x".repeat(300_000))).status).toBe(413);
  expect((await fixture.ask("/v1/inference", { method: "POST", raw: Buffer.alloc(MIB) })).status).toBe(415);
  expect(await heldBytes()).toBe(0);
});

test("a caller who waits holds no body: neither counted nor in memory", { timeout: 60_000 }, async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const picture = Buffer.concat([PNG, Buffer.alloc(30 * MIB)]);
  const headers = { "content-type": "image/png", prefer: "wait=30" };
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const waiting: Promise<Answer>[] = [];
  while (waiting.length < 4) {
    waiting.push(fixture.ask("/v1/inference", { method: "POST", raw: picture, headers }));
    await until(() => fixture.api.waitCount() === waiting.length, 20_000);
    await until(async () => (await heldBytes()) === 0);
  }
  await until(() => {
    collect();
    return process.memoryUsage().arrayBuffers - before < 20 * MIB;
  });
  expect(fixture.api.waitCount()).toBe(4);
  await fixture.api.stop();
  expect((await Promise.all(waiting)).map((answer) => answer.status)).toEqual([202, 202, 202, 202]);
});
