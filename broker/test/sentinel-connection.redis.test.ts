import net from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectRedis, parseRedisUrl, type RedisClient } from "../src/index.js";
import { silentLog, useRedis } from "./redis-fixture.js";

const fixture = useRedis();

/** As much of a Sentinel as a client asks of it: who the master is, and word of a failover. */
function startSentinel(masterPort: number) {
  const subscribers = new Set<net.Socket>();
  const sockets = new Set<net.Socket>();
  const state = { answerAfterMs: 0, questions: 0 };
  const answer = async (socket: net.Socket, [name = "", question = ""]: readonly string[]): Promise<string> => {
    if (name === "subscribe") {
      subscribers.add(socket);
      return "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n";
    }
    if (name !== "sentinel") return "+OK\r\n";
    if (question !== "get-master-addr-by-name") return "*0\r\n";
    state.questions++;
    await new Promise((resolve) => setTimeout(resolve, state.answerAfterMs));
    return `*2\r\n$9\r\n127.0.0.1\r\n$${String(masterPort).length}\r\n${masterPort}\r\n`;
  };
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => subscribers.delete(socket));
    socket.on("data", (piece) => {
      void (async () => {
        for (const [command] of String(piece).matchAll(/\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+/g)) {
          const words = [...command.matchAll(/\$\d+\r\n([^\r]*)\r\n/g)].map(([, word = ""]) => word);
          socket.write(await answer(socket, words));
        }
      })();
    });
  });
  return {
    state,
    subscriberCount: () => subscribers.size,
    announceFailover(): void {
      for (const socket of subscribers) socket.write("*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$1\r\nx\r\n");
    },
    async listen(): Promise<number> {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return (server.address() as net.AddressInfo).port;
    },
    stop(): void {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

let sentinel: ReturnType<typeof startSentinel>;
let redis: RedisClient;
beforeEach(async () => {
  sentinel = startSentinel(fixture.server.port);
  const port = await sentinel.listen();
  redis = await connectRedis(parseRedisUrl(`redis+sentinel://127.0.0.1:${port}/sluice`), silentLog);
  await vi.waitFor(() => expect(sentinel.subscriberCount()).toBe(1));
});
afterEach(() => {
  redis.disconnect();
  sentinel.stop();
});

test("a connection comes back when the failover is announced while it asks who the master is", async () => {
  sentinel.state.answerAfterMs = 300;
  const { questions } = sentinel.state;
  await fixture.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await vi.waitFor(() => expect(sentinel.state.questions).toBe(questions + 1), 3_000);
  sentinel.announceFailover();
  await vi.waitFor(async () => expect(await redis.ping()).toBe("PONG"), 5_000);
});

test("a connection that its owner ends while it asks who the master is stays ended", async () => {
  sentinel.state.answerAfterMs = 100;
  const { questions } = sentinel.state;
  await fixture.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await vi.waitFor(() => expect(sentinel.state.questions).toBe(questions + 1), 3_000);
  redis.disconnect();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect({ status: redis.status, asked: sentinel.state.questions }).toEqual({ status: "end", asked: questions + 1 });
});
