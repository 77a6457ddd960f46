import { once } from "node:events";
import net from "node:net";
import { expect, test, vi } from "vitest";
import { createShardSubscriber, keys, parseRedisUrl } from "../src/index.js";
import { silentLog, useRedis } from "./redis-fixture.js";

const fixture = useRedis();

/**
 * A TCP proxy that resets the connection on which a request first contains `word`, before the server has seen it.
 * Later connections are served.
 */
async function startCuttingProxy(serverPort: number, word: string) {
  let cuts = 0;
  const sockets = new Set<net.Socket>();
  const proxy = net.createServer((client) => {
    const server = net.connect(serverPort, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (bytes) => {
      if (cuts === 0 && bytes.toString().toLowerCase().includes(word)) {
        cuts++;
        client.resetAndDestroy();
        server.destroy();
      } else server.write(bytes);
    });
    server.pipe(client);
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    url: `redis://127.0.0.1:${(proxy.address() as net.AddressInfo).port}`,
    cuts: () => cuts,
    stop() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

test("a subscription whose connection is cut before the server has seen it is made all the same", async () => {
  const { redis, server } = fixture;
  const channel = keys.done(3);
  const proxy = await startCuttingProxy(server.port, "ssubscribe");
  const subscriber = createShardSubscriber(parseRedisUrl(proxy.url), silentLog);
  const messages: (string | undefined)[] = [];
  try {
    await subscriber.start();
    await subscriber.subscribe(channel, (message) => messages.push(message?.toString()));
    expect(proxy.cuts()).toBe(1);
    expect(await redis.call("PUBSUB", "SHARDNUMSUB", channel)).toEqual([channel, 1]);
    expect(await redis.spublish(channel, "hello")).toBe(1);
    await vi.waitFor(() => expect(messages.at(-1)).toBe("hello"), 5_000);
  } finally {
    await subscriber.stop();
    proxy.stop();
  }
});
