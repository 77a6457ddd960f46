import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { openFilesLimit } from "../src/http/connection-limit.js";
import { countRuns, until, useApi } from "./api-fixture.js";

const fixture = useApi({ headersTimeoutMs: 2_000, requestTimeoutMs: 4_000 });

/** Both ends of each connection are ours. */
const SOCKETS = Math.min(5_000, Math.floor((openFilesLimit() - 1_000) / 2));
const HEADERS = "POST /v1/inference HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
/** What they send before they fall silent. */
const BEGINNINGS = ["", "GET / HT", HEADERS, `${HEADERS}content-length: 100\r\n\r\n{"input":`];

async function open(beginning: string): Promise<Socket> {
  const socket = connect(Number(new URL(fixture.api.url).port), "127.0.0.1");
  socket.on("error", () => undefined).on("data", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  if (beginning !== "") socket.write(beginning);
  return socket;
}

/** How long honest requests take, one after the other, slowest last. Milliseconds. */
async function honest(count: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (let i = 0; i < count; i++) {
    const startMs = performance.now();
    expect((await fixture.submit(`honest ${Math.random()}`)).status).toBe(202);
    tookMs.push(performance.now() - startMs);
  }
  return tookMs.sort((a, b) => a - b);
}

test(
  `${SOCKETS} connections that are idle or slow hold up nobody, and leave nothing`,
  { timeout: 60_000 },
  async () => {
    await honest(100);
    const before = await honest(200);
    const sockets: Socket[] = [];
    while (sockets.length < SOCKETS) {
      const wave = Array.from({ length: 250 }, (_, i) => open(BEGINNINGS[i % BEGINNINGS.length] ?? ""));
      sockets.push(...(await Promise.all(wave)));
    }
    const beside = await honest(200);
    const [usual = 0, now = 0] = [before[100], beside[100]];
    console.info(`honest requests: median ${usual.toFixed(2)} ms, beside ${SOCKETS} others ${now.toFixed(2)} ms`);
    expect(now).toBeLessThan(5 * usual + 5);
    // Whoever began a request is answered 408; whoever sent nothing is cut off as well.
    await until(() => sockets.every((socket) => socket.closed || socket.readableEnded), 30_000);
    for (const socket of sockets) socket.destroy();
    // Those of the honest, and no others.
    expect(await countRuns(fixture.redis)).toBe(500);
    expect(String((await fixture.ask("/metrics")).body["text"])).toMatch(/^sluice_body_bytes 0$/m);
    expect((await fixture.submit("after")).status).toBe(202);
  },
);

const MANY_TITLE =
  "200 requests at once on one connection are answered; with 10,000 it is ended, and nobody else is held up";
test(MANY_TITLE, { timeout: 60_000 }, async () => {
  const ask = "GET /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n";
  const countAnswers = async (asked: number) => {
    const socket = await open("");
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    const answers = () => text.split("HTTP/1.1 200").length - 1;
    socket.write(ask.repeat(asked));
    await until(() => answers() === asked || socket.destroyed, 20_000);
    const isOpen = !socket.destroyed;
    socket.destroy();
    return { answers: answers(), isOpen };
  };
  expect(await countAnswers(200)).toEqual({ answers: 200, isOpen: true });
  const [many, beside] = await Promise.all([countAnswers(10_000), honest(50)]);
  expect(many.isOpen).toBe(false);
  expect(many.answers).toBeLessThan(10_000);
  expect(beside[25]).toBeLessThan(100);
});

test("who sends 200 submissions and goes, or 10,000, leaves no wait and no byte", { timeout: 60_000 }, async () => {
  const body = JSON.stringify({ input: "the same" });
  const one = `POST /v1/inference?wait=60 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const few = await open(one.repeat(200));
  await until(() => fixture.api.waitCount() === 200);
  few.destroy();
  await until(() => fixture.api.waitCount() === 0);
  const many = await open(one.repeat(10_000));
  await until(() => many.destroyed, 20_000);
  await until(() => fixture.api.waitCount() === 0, 20_000);
  await until(async () => /^sluice_body_bytes 0$/m.test(String((await fixture.ask("/metrics")).body["text"])));
  expect((await fixture.submit("after")).status).toBe(202);
});
