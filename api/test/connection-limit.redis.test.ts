import { freePort, projectFolders, startProcess } from "@sluice/stack";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connectionLimit, openFilesLimit } from "../src/http/connection-limit.js";
import { until, useApi } from "./api-fixture.js";

const fixture = useApi({ maxConnections: 5 });

/** A connection on which one request was answered, and which stays open; undefined if it was not taken. */
async function useOnce(port: number): Promise<Socket | undefined> {
  const socket = connect(port, "127.0.0.1");
  socket.write("GET /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n");
  return (await nextBytes(socket)) === undefined ? undefined : socket;
}

/** What comes next on a connection; undefined if it is closed. */
async function nextBytes(socket: Socket): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const end = () => resolve(undefined);
    socket.once("data", resolve).once("end", end).once("error", end).once("close", end);
  });
}

const portOf = (url: string) => Number(new URL(url).port);

async function useMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = await useOnce(port);
    if (socket) sockets.push(socket);
  }
  return sockets;
}

describe("a process with as many connections as it may have", () => {
  test("drops the next one, and closes idle ones, so that who comes then is answered", async () => {
    const idle = await useMany(portOf(fixture.api.url), 5);
    expect(idle.length).toBe(5);
    expect(await useOnce(portOf(fixture.api.url))).toBeUndefined();
    await until(() => idle.every((socket) => socket.destroyed || socket.readableEnded));
    const late = await useOnce(portOf(fixture.api.url));
    expect(late).toBeDefined();
    late?.destroy();
  });

  test("keeps those on which somebody waits, and they are answered", async () => {
    // Its connection stays open, as the fifth.
    const { body } = await fixture.submit("waits");
    const waiting = await useMany(portOf(fixture.api.url), 4);
    for (const socket of waiting) {
      socket.write(`GET /v1/result/${String(body["task_id"])}?wait=2 HTTP/1.1\r\nhost: x\r\n\r\n`);
    }
    const answers = waiting.map(nextBytes);
    await until(() => fixture.api.waitCount() === 4);
    expect(await useOnce(portOf(fixture.api.url))).toBeUndefined();
    for (const answer of answers) expect((await answer)?.toString()).toMatch(/^HTTP\/1\.1 200 OK/);
    for (const socket of waiting) socket.destroy();
  });
});

test("256 descriptors are kept for the process itself, of few files half", () => {
  expect([1_024, 20_000, 300, 512].map(connectionLimit)).toEqual([768, 19_744, 150, 256]);
  expect(openFilesLimit()).toBeGreaterThan(100);
});

describe("an api whose clients keep all the connections that they get", () => {
  /**
   * An api with 400 descriptors, and a client that takes every connection it gets, again and again, while Redis cuts its own.
   * @returns the status of a submission after that
   */
  async function submitAfterCut(variables: Record<string, string>): Promise<number> {
    const api = await startSmallApi(variables);
    const sockets: Socket[] = [];
    const take = async () => {
      const socket = await useOnce(api.port);
      if (socket) sockets.push(socket);
    };
    const taking = setInterval(() => void take(), 2);
    try {
      await until(() => sockets.length >= 140);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await fixture.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const mine = sockets.filter((socket) => !socket.readableEnded && !socket.destroyed).at(-1);
      return mine ? await submitOn(mine) : NaN;
    } finally {
      clearInterval(taking);
      for (const socket of sockets) socket.destroy();
      await api.stop();
    }
  }

  async function startSmallApi(variables: Record<string, string>) {
    const port = await freePort();
    const { server, blobDir } = fixture;
    const running = await startProcess({
      name: "api",
      command: "bash",
      args: ["-c", `ulimit -n 400; exec "${process.execPath}" dist/main.js`],
      env: { ...process.env, REDIS_URL: server.url, PORT: String(port), BLOB_DIR: blobDir, ...variables },
      cwd: join(projectFolders.root, "api"),
      logFile: join(blobDir, "api.log"),
    });
    const isReady = async () =>
      (await fetch(`http://127.0.0.1:${port}/healthz/ready`).catch(() => undefined))?.ok === true;
    await until(isReady, 20_000);
    return { port, stop: () => running.stop() };
  }

  async function submitOn(socket: Socket): Promise<number> {
    const body = JSON.stringify({ input: "after the cut" });
    const type = "content-type: application/json";
    socket.write(`POST /v1/inference HTTP/1.1\r\nhost: x\r\n${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    const answer = await nextBytes(socket);
    return Number(/^HTTP\/1\.1 (\d+)/.exec(answer?.toString("latin1") ?? "")?.[1]);
  }

  test("has its own to Redis again when they were cut", async () => {
    expect(await submitAfterCut({})).toBe(202);
  });

  test("control: without a limit it has none left, and refuses", async () => {
    expect(await submitAfterCut({ MAX_CONNECTIONS: "100000" })).toBe(503);
  });
});
