import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { createHttpConnections } from "../src/load/http-connections.js";
import { createSubmitter } from "../src/overload/submitter.js";

let server: Server | undefined;
afterEach(() => void server?.close().closeAllConnections());

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Record<string, string>;
}

/** Answers one request after the other with these; 0 cuts the connection. */
async function startApi(answers: readonly ((text: string) => Answer)[]) {
  const requests: { readonly headers: IncomingHttpHeaders; readonly deadlineMs: unknown }[] = [];
  server = createServer((request, response) => {
    void request.toArray().then((chunks) => {
      const body = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as { input: string; deadline_ms: number };
      const answer = answers[requests.length]?.(body.input);
      requests.push({ headers: request.headers, deadlineMs: body.deadline_ms });
      if (answer === undefined || answer.status === 0) response.destroy();
      else response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const success = (text: string): Answer => {
  const digest = createHash("sha256").update(text).digest("hex");
  return { status: 200, body: { status: "SUCCESS", output: { digest } } };
};
const refusal = (code: string) => (): Answer => ({ status: 503, body: { code }, headers: { "retry-after": "2" } });

it("tells of each task what became of it, and of refusals why", async () => {
  const { origin, requests } = await startApi([
    success,
    refusal("deadline-unattainable"),
    () => ({ status: 200, body: { status: "EXPIRED" } }),
    () => success("another text"),
    refusal("no-workers"),
    () => ({ status: 0, body: {} }),
  ]);
  const options = { model: "sleep", textBytes: 100, deadlineMs: 1_500, checkEvery: 1, seed: 1 };
  const connections = createHttpConnections(origin);
  const submitter = createSubmitter(connections, options);
  const startMs = performance.now();
  for (let task = 0; task < 6; task++) await submitter.submit(startMs + task, startMs);
  await connections.close();

  expect(submitter.tasks.map(({ outcome }) => outcome)).toEqual([
    ...["in-time", "refused", "expired", "wrong", "misrefused", "failed"],
  ]);
  expect(Object.fromEntries(submitter.codes)).toEqual({ "deadline-unattainable": 1, "no-workers": 1 });
  expect(submitter.examples.misrefused).toBe('503 {"code":"no-workers"}');
  for (const [task, { dueMs, sentMs, endMs }] of submitter.tasks.entries()) {
    expect(dueMs).toBeCloseTo(task, 6);
    expect(endMs).toBeGreaterThanOrEqual(sentMs);
  }
  // It waits longer than the deadline, to see what comes too late.
  expect(requests.map(({ headers, deadlineMs }) => [headers.prefer, deadlineMs])).toEqual(
    Array(6).fill(["wait=5", 1_500]),
  );
});
