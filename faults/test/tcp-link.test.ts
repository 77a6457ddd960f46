import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { LinkFault } from "../src/proxy/link-fault.js";
import { startTcpLink, type TcpLink } from "../src/proxy/tcp-link.js";

/** A server that answers each piece with `re:` and the piece, and remembers what it got. */
let server: net.Server;
let received: string[];
let link: TcpLink;
const sockets = new Set<net.Socket>();

beforeEach(async () => {
  received = [];
  server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      received.push(String(piece));
      socket.write(`re:${String(piece)}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  link = await startTcpLink({ name: "link", targetPort: (server.address() as net.AddressInfo).port });
});
afterEach(async () => {
  await link.stop();
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** A connected client, what it was told, and how it ended. */
async function connect(localAddress = "127.0.0.1") {
  const socket = net.connect({ host: "127.0.0.1", port: link.port, localAddress });
  sockets.add(socket);
  const client = { socket, heard: "", closed: false, send: (text: string) => void socket.write(text) };
  socket.on("data", (piece) => (client.heard += String(piece)));
  socket.on("error", () => undefined);
  socket.on("close", () => (client.closed = true));
  await new Promise((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", resolve);
  });
  return client;
}

async function exchanged(client: Awaited<ReturnType<typeof connect>>): Promise<void> {
  client.send("a");
  await expect.poll(() => client.heard).toBe("re:a");
}

describe("a link", () => {
  test("passes both ways, and closes with either side", async () => {
    const client = await connect();
    await exchanged(client);
    client.socket.end();
    await expect.poll(() => link.openConnections()).toBe(0);
    expect(client.closed).toBe(true);
  });

  test("that refuses listens no more, resets what was open, and serves again when it has healed", async () => {
    const before = await connect();
    await exchanged(before);
    await link.setFault({ kind: "refuse" });
    await expect.poll(() => before.closed).toBe(true);
    const refused = await connect();
    expect(refused.closed).toBe(true);
    await link.setFault(undefined);
    await exchanged(await connect());
  });

  test("that resets ends every connection once", async () => {
    const before = await connect();
    await exchanged(before);
    await link.setFault({ kind: "reset" });
    await expect.poll(() => before.closed).toBe(true);
    await exchanged(await connect());
  });

  test("that is a black hole passes nothing and tells nobody, and delivers afterwards", async () => {
    const client = await connect();
    await exchanged(client);
    await link.setFault({ kind: "black-hole" });
    client.send("b");
    await sleep(100);
    expect({ received, heard: client.heard, closed: client.closed }).toEqual({
      received: ["a"],
      heard: "re:a",
      closed: false,
    });
    await link.setFault(undefined);
    await expect.poll(() => client.heard).toBe("re:are:b");
  });

  test("that is half open swallows what is sent, and answers it with a reset afterwards", async () => {
    const client = await connect();
    await exchanged(client);
    await link.setFault({ kind: "half-open" });
    client.send("b");
    await sleep(100);
    expect({ received, closed: client.closed }).toEqual({ received: ["a"], closed: false });
    await link.setFault(undefined);
    client.send("c");
    await expect.poll(() => client.closed).toBe(true);
    expect(received).toEqual(["a"]);
  });

  test("that delays delivers later and in order, also what comes after it has healed", async () => {
    const client = await connect();
    await link.setFault({ kind: "delay", delayMs: 80 });
    const startMs = performance.now();
    client.send("a");
    await expect.poll(() => received.length, { interval: 5 }).toBe(1);
    expect(performance.now() - startMs).toBeGreaterThan(70);
    client.send("b");
    await sleep(10);
    await link.setFault(undefined);
    client.send("c");
    // Pieces may be joined on their way, but none overtakes another.
    await expect.poll(() => received.join("")).toBe("abc");
  });

  test("is a black hole for one caller only, on old connections and new ones", async () => {
    const [ours, theirs] = [await connect(), await connect("127.0.3.1")];
    await link.setFault({ kind: "black-hole" }, ({ address }) => address === "127.0.3.1");
    const later = await connect("127.0.3.1");
    theirs.send("b");
    later.send("c");
    await exchanged(ours);
    await sleep(50);
    expect({ received, heard: theirs.heard + later.heard }).toEqual({ received: ["a"], heard: "" });
    await link.setFault(undefined);
    await expect.poll(() => theirs.heard + later.heard).toBe("re:bre:c");
  });

  test("is a black hole for a caller from its subscription on", async () => {
    const client = await connect();
    await link.setFault({ kind: "black-hole" }, ({ subscribes }) => subscribes);
    await exchanged(client);
    client.send("$10\r\nssubscribe\r\n");
    await expect.poll(() => received.length).toBe(2);
    client.send("b");
    await sleep(50);
    expect({ received: received.length, heard: client.heard }).toEqual({ received: 2, heard: "re:a" });
  });

  test.each<[LinkFault, string]>([
    [{ kind: "cut-reply" }, "carries the request out and cuts before the reply"],
    [{ kind: "cut-after", bytes: 2 }, "cuts when so many bytes have come back"],
  ])("%j %s", async (fault) => {
    const client = await connect();
    await link.setFault(fault);
    client.send("a");
    await expect.poll(() => client.closed).toBe(true);
    expect({ received, heard: client.heard }).toEqual({ received: ["a"], heard: "" });
  });
});
