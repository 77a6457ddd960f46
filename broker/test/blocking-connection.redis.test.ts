import { once } from "node:events";
import net from "node:net";
import { type RedisCluster, startRedisCluster } from "@sluice/stack";
import type { Cluster, Command } from "ioredis";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { connectRedis, keys, parseRedisUrl, type RedisClient, type RedisTarget } from "../src/index.js";
import { createBlockingConnection } from "../src/redis/blocking-connection.js";
import { parseInfo } from "../src/redis/server-facts.js";
import { silentLog, useRedis } from "./redis-fixture.js";

const READ = ["XREAD", "BLOCK", 20, "STREAMS", keys.ready(0, "lane"), "$"] as const;

/** A figure of one server's INFO. */
const figure = async (redis: RedisClient, name: string) => Number(parseInfo(await redis.info()).get(name));

describe("a blocking connection that is closed", () => {
  const fixture = useRedis();

  test("while it opens or reads, at any moment, leaves no connection behind, and its call ends", async () => {
    const { target, redis } = fixture;
    const before = await figure(redis, "connected_clients");
    let endedByClosing = 0;
    for (let turns = 0; turns < 40; turns++) {
      const connection = createBlockingConnection(target, redis, keys.owner(0));
      const call = connection.call(READ, 20).catch(() => endedByClosing++);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      connection.close();
      await call;
    }
    expect(endedByClosing).toBeGreaterThan(0);
    await vi.waitFor(async () => expect(await figure(redis, "connected_clients")).toBe(before), 5_000);
  });

  test("opens none any more", async () => {
    const { target, redis } = fixture;
    const connection = createBlockingConnection(target, redis, keys.owner(0));
    connection.close();
    const before = await figure(redis, "total_connections_received");
    await expect(connection.call(READ, 20)).rejects.toMatchObject({ code: "shutting-down" });
    expect(await figure(redis, "total_connections_received")).toBe(before);
  });
});

describe("a blocking connection to a Cluster", () => {
  let cluster: RedisCluster;
  let target: RedisTarget;
  let redis: Cluster;
  /** How many connections each master has accepted so far. */
  const received = () => Promise.all(redis.nodes("master").map((node) => figure(node, "total_connections_received")));
  beforeAll(async () => {
    cluster = await startRedisCluster({ masters: 3 });
    target = parseRedisUrl(cluster.url);
    redis = (await connectRedis(target, silentLog)) as Cluster;
    // Its connections to the masters are opened when they are needed first.
    await received();
  });
  afterAll(async () => {
    redis.disconnect();
    await cluster.stop();
  });

  test.each(["KEYSLOT", "SLOTS"])("that is closed while it asks for CLUSTER %s opens none", async (question) => {
    let asked = 0;
    const close = () => connection.close();
    const commands = new Proxy(redis, {
      get(client, property, receiver) {
        if (property !== "sendCommand") return Reflect.get(client, property, receiver) as unknown;
        return async (command: Command) => {
          const reply: unknown = await client.sendCommand(command);
          if (command.args[0] === question) {
            asked++;
            close();
          }
          return reply;
        };
      },
    });
    const connection = createBlockingConnection(target, commands, keys.owner(0));
    const before = await received();
    await expect(connection.call(READ, 20)).rejects.toMatchObject({ code: "shutting-down" });
    expect(asked).toBe(1);
    expect(await received()).toEqual(before);
  });
});

test("a server that accepts connections and says nothing is given up in time, each time", async () => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.resume();
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const target = parseRedisUrl(`redis://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  const connection = createBlockingConnection(target, undefined as never, keys.owner(0));
  for (let attempt = 0; attempt < 2; attempt++) {
    const beganAt = performance.now();
    await expect(connection.call(READ, 20)).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(performance.now() - beganAt).toBeLessThan(5_000);
    await vi.waitFor(() => expect(sockets.size).toBe(0), 5_000);
  }
  connection.close();
  server.close();
});
