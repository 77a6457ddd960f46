import net from "node:net";

import { expect, test } from "vitest";

import { freePorts, isPortFree } from "../src/free-port.js";
import { choosePorts } from "../src/start/choose-ports.js";
import { withFreePorts } from "../src/with-free-ports.js";

const WANTED = {
  api: 8080,
  batcher: 9101,
  "gpu-worker": 9102,
  redis: 6379,
  tritonHttp: 8000,
  tritonGrpc: 8001,
  tritonMetrics: 8002,
};

async function listen(port: number): Promise<net.Server> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

test("every part gets the port that it wants if it is free", async () => {
  const said: unknown[] = [];
  expect(
    await choosePorts(
      WANTED,
      (...words) => said.push(words),
      async () => true,
    ),
  ).toEqual(WANTED);
  expect(said).toEqual([]);
});

test("a taken port is named and the next free one is used, also if another part wants that one", async () => {
  const said: unknown[] = [];
  const taken = new Set([8080, 8081, 8000]);
  const chosen = await choosePorts(
    WANTED,
    (...words) => said.push(words),
    async (port) => !taken.has(port),
  );
  expect(chosen).toEqual({ ...WANTED, api: 8082, tritonHttp: 8001, tritonGrpc: 8002, tritonMetrics: 8003 });
  expect(said).toEqual([
    ["api", 8080, 8082],
    ["tritonHttp", 8000, 8001],
    ["tritonGrpc", 8001, 8002],
    ["tritonMetrics", 8002, 8003],
  ]);
});

test("where all the neighbours are taken too, any free port is used", async () => {
  const isFree = async (port: number): Promise<boolean> => port < 8080 || port > 8100;
  const { api } = await choosePorts(WANTED, () => undefined, isFree);
  expect(api).not.toBe(8080);
  expect(await isPortFree(api)).toBe(true);
});

test("a port that somebody listens on is not free", async () => {
  const [port = 0] = await freePorts(1);
  expect(await isPortFree(port)).toBe(true);
  const server = await listen(port);
  expect(await isPortFree(port)).toBe(false);
  server.close();
});

test("ports that are looked for together differ", async () => {
  const ports = await freePorts(50);
  expect(new Set(ports).size).toBe(50);
});

test("a start that lost its port to somebody else is tried on another one", async () => {
  const tried: number[] = [];
  const servers: net.Server[] = [];
  const port = await withFreePorts(1, async ([port = 0]) => {
    tried.push(port);
    if (tried.length === 1) {
      servers.push(await listen(port));
      throw new Error("taken");
    }
    return port;
  });
  expect(tried).toEqual([tried[0], port]);
  expect(port).not.toBe(tried[0]);
  servers.forEach((server) => server.close());
});

test("a start that fails for another reason is not tried again", async () => {
  let starts = 0;
  const start = withFreePorts(1, () => {
    starts += 1;
    return Promise.reject(new Error("broken"));
  });
  await expect(start).rejects.toThrow("broken");
  expect(starts).toBe(1);
});
