import { once } from "node:events";
import net from "node:net";
import { expect, test, vi } from "vitest";
import { createShardSubscriber, keys, parseRedisUrl } from "../src/index.js";
import { silentLog, useRedis } from "./redis-fixture.js";

const fixture = useRedis();

/** What becomes of bytes on their way to the server; `cut`: the connection is reset before the server has seen them. */
type Verdict = "pass" | "cut" | "swallow";

/** A TCP proxy that asks what to do with each piece of every request. */
async function startProxy(serverPort: number, judge: (request: string) => Verdict) {
  const sockets = new Set<net.Socket>();
  const proxy = net.createServer((client) => {
    const server = net.connect(serverPort, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (bytes) => {
      const verdict = judge(bytes.toString().toLowerCase());
      if (verdict === "pass") server.write(bytes);
      if (verdict === "cut") client.resetAndDestroy();
    });
    server.pipe(client);
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    url: `redis://127.0.0.1:${(proxy.address() as net.AddressInfo).port}`,
    resetAll() {
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
    },
    stop() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test("a subscription whose connection is cut before the server has seen it is made all the same", async () => {
  const { redis, server } = fixture;
  const channel = keys.done(3);
  let cuts = 0;
  const proxy = await startProxy(server.port, (request) => {
    if (cuts > 0 || !request.includes("ssubscribe")) return "pass";
    cuts++;
    return "cut";
  });
  const subscriber = createShardSubscriber(parseRedisUrl(proxy.url), silentLog);
  const messages: (string | undefined)[] = [];
  try {
    await subscriber.start();
    await subscriber.subscribe(channel, (message) => messages.push(message?.toString()));
    expect(cuts).toBe(1);
    expect(await redis.call("PUBSUB", "SHARDNUMSUB", channel)).toEqual([channel, 1]);
    expect(await redis.spublish(channel, "hello")).toBe(1);
    await vi.waitFor(() => expect(messages.at(-1)).toBe("hello"), 5_000);
  } finally {
    await subscriber.stop();
    proxy.stop();
  }
});

test("a renewed connection that dies while it subscribes again is replaced, and nobody is left with its error", async () => {
  const { redis, server } = fixture;
  const channel = keys.done(3);
  let swallowed = 0;
  let dead = false;
  const proxy = await startProxy(server.port, (request) => {
    if (!dead || !request.includes("ssubscribe")) return "pass";
    swallowed++;
    return "swallow";
  });
  const subscriber = createShardSubscriber(parseRedisUrl(proxy.url), silentLog);
  const messages: (string | undefined)[] = [];
  // An error that nobody handles ends a process.
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    await subscriber.start();
    await subscriber.subscribe(channel, (message) => messages.push(message?.toString()));
    dead = true;
    proxy.resetAll();
    await vi.waitFor(() => expect(swallowed).toBeGreaterThan(1), 10_000);
    dead = false;
    await vi.waitFor(async () => {
      await redis.spublish(channel, "hello");
      expect(messages.at(-1)).toBe("hello");
    }, 10_000);
    expect(messages).toContain(undefined);
    expect(unhandled).toEqual([]);
  } finally {
    await subscriber.stop();
    proxy.stop();
    process.off("unhandledRejection", note);
  }
}, 30_000);
