import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { createHttpServer } from "../src/http/http-server.js";

/** More than Node lets wait by itself, fewer than Linux does (`somaxconn`). */
const BURST = 1_500;
/** The second try of a connection that the kernel has dropped comes a second after the first. */
const AT_ONCE_MS = 900;

test("a burst of connections while the process is busy is taken, not dropped", async () => {
  const server = createHttpServer(new Hono(), { host: "127.0.0.1", port: 0 });
  await server.start();
  try {
    // Where connections are dropped it is never at once; on a busy machine it may not be either, but not each time.
    const tookMs = [await burst(server.url), await burst(server.url), await burst(server.url)];
    expect(Math.min(...tookMs)).toBeLessThan(AT_ONCE_MS);
  } finally {
    await server.stop();
  }
});

/** How long it takes until all are connected that are asked for in one turn of the event loop: nobody accepts meanwhile. */
async function burst(url: string): Promise<number> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  try {
    const connected = Array.from({ length: BURST }, async () => {
      const socket = connect(Number(port), hostname);
      sockets.push(socket);
      await once(socket, "connect");
    });
    const startedMs = performance.now();
    await Promise.all(connected);
    return performance.now() - startedMs;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}
