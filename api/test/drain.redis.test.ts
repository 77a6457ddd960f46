import { connect } from "node:net";
import { Agent, request } from "undici";
import { expect, test } from "vitest";
import { countRuns, until, useApi } from "./api-fixture.js";

const DRAIN_MS = 800;
/** When a balancer has seen that the process is not ready, and sends nobody there any more. */
const TURN_AWAY_MS = 400;
const fixture = useApi({ drainMs: DRAIN_MS });
const port = () => Number(new URL(fixture.api.url).port);

/** A connection of its own, what came back on it, and how it ended. */
function open() {
  const socket = connect(port(), "127.0.0.1");
  const errors: string[] = [];
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message));
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return { send: (bytes: string | Buffer) => socket.write(bytes), text: () => text, errors, closed };
}

const submission = (text: string, query = "") => {
  const body = JSON.stringify({ input: text });
  return `POST /v1/inference${query} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};
const READY = "GET /healthz/ready HTTP/1.1\r\nhost: x\r\n\r\n";

/** What a client saw: statuses with what the answer said of its connection, and errors. */
type Sight = `${number} ${string}` | `error ${string}`;

/** Sends without pause on a pool of connections that are kept, until it is told to turn away. */
async function sendOnPool(connections: number, sights: Map<Sight, number>, signal: AbortSignal): Promise<void> {
  const pool = new Agent({ connections, pipelining: 1, keepAliveTimeout: 60_000 });
  const see = (sight: Sight) => sights.set(sight, (sights.get(sight) ?? 0) + 1);
  let count = 0;
  const sendOne = async (): Promise<void> => {
    const headers = { "content-type": "application/json", ...(count % 7 === 0 ? { prefer: "wait=20" } : {}) };
    const body = JSON.stringify({ input: `text ${count++}` });
    try {
      const answer = await request(`${fixture.api.url}/v1/inference`, {
        dispatcher: pool,
        method: "POST",
        headers,
        body,
      });
      const problem = (await answer.body.json()) as { code?: string; status: number | string };
      const connection = String(answer.headers["connection"]);
      see(`${answer.statusCode} ${connection}${problem.code === undefined ? "" : ` ${problem.code}`}`);
    } catch (error) {
      see(`error ${(error as { code?: string }).code ?? "unknown"}`);
    }
  };
  const senders = Array.from({ length: connections }, async () => {
    while (!signal.aborted) await sendOne();
  });
  await Promise.all(senders);
  await pool.close();
}

test("a client that never stops sending on kept connections sees 202, then 503 with Connection: close, and no reset", async () => {
  const sights = new Map<Sight, number>();
  const turnAway = new AbortController();
  const client = sendOnPool(20, sights, turnAway.signal);
  await until(() => (sights.get("202 keep-alive") ?? 0) > 50 || fixture.api.waitCount() === 20);
  const stopped = fixture.api.stop();
  setTimeout(() => turnAway.abort(), TURN_AWAY_MS);
  await Promise.all([stopped, client]);
  const seen = [...sights.keys()].sort();
  expect(seen.filter((sight) => !["202 keep-alive", "202 close", "503 close shutting-down"].includes(sight))).toEqual(
    [],
  );
  expect(seen).toContain("202 close");
  expect(sights.get("503 close shutting-down")).toBeGreaterThan(20);
  const accepted = (sights.get("202 keep-alive") ?? 0) + (sights.get("202 close") ?? 0);
  expect(await countRuns(fixture.redis)).toBe(accepted);
});

test("a request on a connection that was idle is answered, whenever it comes before the connections are closed", async () => {
  const idle = Array.from({ length: 12 }, open);
  for (const connection of idle) connection.send(READY);
  await until(() => idle.every((connection) => connection.text().includes('"ready"')));
  const stopped = fixture.api.stop();
  for (const connection of idle) {
    connection.send(submission("late"));
    await new Promise((resolve) => setTimeout(resolve, (DRAIN_MS * 0.75) / idle.length));
  }
  await Promise.all([stopped, ...idle.map((connection) => connection.closed)]);
  for (const connection of idle) {
    expect(connection.text()).toMatch(/HTTP\/1\.1 503 [^]*connection: close[^]*"code":"shutting-down"/i);
    expect(connection.errors).toEqual([]);
  }
  expect(await countRuns(fixture.redis)).toBe(0);
});

test("a balancer can still connect, and is told that the process is not ready, until nobody listens", async () => {
  const stopped = fixture.api.stop();
  for (let i = 0; i < 5; i++) {
    const late = open();
    late.send(READY);
    await late.closed;
    expect(late.text()).toMatch(/^HTTP\/1\.1 503 [^]*connection: close[^]*"status":"stopping"/i);
    expect(late.errors).toEqual([]);
  }
  await stopped;
  const refused = open();
  await refused.closed;
  expect(refused.errors).toEqual(["ECONNREFUSED"]);
});

test("a body that comes in time is taken; one that still is on its way then is refused, not cut off", async () => {
  const bytes = submission("in time");
  const inTime = open();
  const late = open();
  inTime.send(bytes.slice(0, -5));
  late.send(submission("late").slice(0, -5));
  // Both are being read.
  await until(async () => /^sluice_body_bytes [1-9]/m.test(String((await fixture.ask("/metrics")).body["text"])));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const stopped = fixture.api.stop();
  await new Promise((resolve) => setTimeout(resolve, DRAIN_MS / 3));
  inTime.send(bytes.slice(-5));
  await Promise.all([stopped, inTime.closed, late.closed]);
  expect(inTime.text()).toMatch(/^HTTP\/1\.1 202 [^]*connection: close/i);
  expect(late.text()).toMatch(/^HTTP\/1\.1 503 [^]*connection: close[^]*"code":"shutting-down"/i);
  expect([...inTime.errors, ...late.errors]).toEqual([]);
  expect(await countRuns(fixture.redis)).toBe(1);
});

test("whoever waits for a result is told at once that it is pending, by both ways of waiting", async () => {
  const first = open();
  first.send(submission("waits", "?wait=50"));
  await until(() => fixture.api.waitCount() === 1);
  const runs = await fixture.redis.keys("*:run:*");
  const taskId = runs[0]?.split(":").at(-1) ?? "";
  const second = open();
  second.send(`GET /v1/result/${taskId}?wait=50 HTTP/1.1\r\nhost: x\r\n\r\n`);
  await until(() => fixture.api.waitCount() === 2);
  const startMs = performance.now();
  const stopped = fixture.api.stop();
  await Promise.all([first.closed, second.closed]);
  expect(performance.now() - startMs).toBeLessThan(DRAIN_MS);
  expect(first.text()).toMatch(/^HTTP\/1\.1 202 [^]*connection: close[^]*"status":"PENDING"/i);
  expect(second.text()).toMatch(/^HTTP\/1\.1 200 [^]*connection: close[^]*"status":"PENDING"/i);
  expect([...first.errors, ...second.errors]).toEqual([]);
  await stopped;
});

test("whoever is sending a large body when he is refused gets to see the answer", async () => {
  const stopped = fixture.api.stop();
  const picture = Buffer.alloc(16 * 1024 * 1024);
  const late = Array.from({ length: 4 }, open);
  for (const connection of late) {
    const head = "POST /v1/inference HTTP/1.1\r\nhost: x\r\ncontent-type: image/png\r\n";
    connection.send(`${head}content-length: ${picture.length}\r\n\r\n`);
    connection.send(picture);
  }
  await Promise.all([stopped, ...late.map((connection) => connection.closed)]);
  for (const connection of late) {
    expect(connection.text()).toMatch(/^HTTP\/1\.1 503 [^]*connection: close[^]*"code":"shutting-down"/i);
    expect(connection.errors).toEqual([]);
  }
});
