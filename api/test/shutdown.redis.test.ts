import { createTaskId } from "@sluice/broker";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { countRuns, until, useApi } from "./api-fixture.js";

const fixture = useApi();

/** Sends on a connection that stays open, and gives everything that comes back. */
function openConnection(): { send(bytes: string): void; text(): string; closed: Promise<unknown> } {
  const socket = connect(Number(new URL(fixture.api.url).port), "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  return { send: (bytes) => void socket.write(bytes), text: () => text, closed: once(socket, "close") };
}

const submission = (text: string, query = "") => {
  const body = JSON.stringify({ input: text });
  return `POST /v1/inference${query} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
};

describe("an api that is stopped", () => {
  test("answers who waits with what is known, and refuses new work; nobody is cut off", async () => {
    const idle = openConnection();
    idle.send("GET /healthz/ready HTTP/1.1\r\nhost: x\r\n\r\n");
    await until(() => idle.text().includes("ready"));
    const submitting = openConnection();
    submitting.send(submission("waits", "?wait=30"));
    const waiting = fixture.submit("waits too", {}, { prefer: "wait=30" });
    await until(() => fixture.api.waitCount() === 2);
    const stopped = fixture.api.stop();
    idle.send(submission("too late"));
    expect((await waiting).status).toBe(202);
    await until(() => submitting.text().includes("HTTP/1.1 202"));
    await until(() => idle.text().includes("HTTP/1.1 503"));
    expect(submitting.text()).toMatch(/"status":"PENDING"/);
    expect(submitting.text()).toMatch(/connection: close/i);
    expect(idle.text()).toMatch(/"code":"shutting-down"/);
    expect(idle.text()).toMatch(/retry-after: \d/i);
    await Promise.all([stopped, idle.closed, submitting.closed]);
    expect(await countRuns(fixture.redis)).toBe(2);
  });

  test("is not ready while it still answers", async () => {
    const connection = openConnection();
    const stopped = fixture.api.stop();
    connection.send("GET /healthz/ready HTTP/1.1\r\nhost: x\r\n\r\n");
    await connection.closed;
    expect(connection.text()).toMatch(/^HTTP\/1\.1 503 /);
    await stopped;
  });

  test("may be stopped twice, and another one before it started", async () => {
    await Promise.all([fixture.api.stop(), fixture.api.stop()]);
    await fixture.api.stop();
    await expect(fixture.ask("/models")).rejects.toThrow();
  });
});

test("the process listens, serves, and ends with 0 on SIGTERM; a taken port is said and ends it with 1", async () => {
  const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
  const { url } = fixture.server;
  const start = (port: string) => {
    const env = { PATH: process.env["PATH"], REDIS_URL: url, PORT: port, BLOB_DIR: fixture.blobDir };
    const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    return { child, out: () => out, exit: once(child, "exit") };
  };
  const first = start("0");
  await until(() => first.out().includes("api listens"), 10_000);
  const address = /"url":"([^"]+)"/.exec(first.out())?.[1] ?? "";
  const answer = await fetch(`${address}/v1/result/${createTaskId(0, Date.now())}`);
  expect(answer.status).toBe(404);
  const second = start(new URL(address).port);
  expect(await second.exit).toEqual([1, null]);
  expect(second.out()).toContain("cannot listen on 127.0.0.1");
  first.child.kill("SIGTERM");
  expect(await first.exit).toEqual([0, null]);
});
