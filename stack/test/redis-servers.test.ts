import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import net from "node:net";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { startRedisCluster, startRedisServer } from "@sluice/stack";

import { sendCommand } from "../src/redis/send-command.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const folder = useTemporaryFolder();

test("a redis-server answers on the loopback, evicts nothing, and is gone after stop, even if stopped twice", async () => {
  const redis = await startRedisServer({ dir: folder(), appendonly: "everysec" });
  expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
  expect(await sendCommand(redis.port, ["SET", "key", "value"])).toBe("OK");
  const info = await sendCommand(redis.port, ["INFO"]);
  expect(info).toContain("maxmemory_policy:noeviction");
  expect(info).toContain("aof_enabled:1");

  await redis.stop();
  await redis.stop();
  expect(redis.process.exitCode).toBe(0);
  await expect(sendCommand(redis.port, ["PING"])).rejects.toThrow("ECONNREFUSED");
});

test("what an append-only redis-server was told is there when it starts again in the same folder", async () => {
  const before = await startRedisServer({ dir: folder(), appendonly: "always" });
  await sendCommand(before.port, ["SET", "key", "value"]);
  before.kill("SIGKILL");
  await before.running.exited;

  const after = await startRedisServer({ dir: folder(), appendonly: "always" });
  expect(await sendCommand(after.port, ["GET", "key"])).toBe("value");
  await after.stop();
});

test("a redis-server that cannot start says why with the end of its log", async () => {
  const other = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const address = other.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  // Nobody answers PING there either.
  other.on("connection", (socket) => socket.destroy());

  const start = startRedisServer({ dir: folder(), port: address.port });
  await expect(start).rejects.toThrow(/redis ended with code 1 before it was ready[^]*Address already in use/);
  other.close();
});

test("a Redis Cluster of three masters serves every slot, each by the node that its place says", async () => {
  const cluster = await startRedisCluster({ masters: 3, dir: folder() });
  expect(cluster.url).toMatch(/^redis-cluster:\/\/127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/);
  // "foo" hashes to slot 12182 (cluster specification), which the third of three masters serves.
  const [first, , third] = cluster.nodes;
  if (first === undefined || third === undefined) throw new Error("nodes are missing");
  expect(await sendCommand(third.port, ["SET", "foo", "bar"])).toBe("OK");
  await expect(sendCommand(first.port, ["GET", "foo"])).rejects.toThrow(`MOVED 12182 127.0.0.1:${third.port}`);

  await cluster.stop();
  for (const node of cluster.nodes) expect(node.process.exitCode).toBe(0);
});

test("a redis-server that made its own folder removes it", async () => {
  const redis = await startRedisServer();
  expect(existsSync(redis.dir)).toBe(true);
  await redis.stop();
  expect(existsSync(redis.dir)).toBe(false);
});

test("a redis-server ends when the process that started it is killed", async () => {
  const script = fileURLToPath(new URL("./hold-redis.fixture.mjs", import.meta.url));
  const holder = spawn(process.execPath, [script, folder()], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await new Promise<string[]>((resolve) => {
    holder.stdout.once("data", (data) => resolve(String(data).split("\n")));
  });
  expect(await sendCommand(Number(port), ["PING"])).toBe("PONG");
  holder.kill("SIGKILL");
  await expect
    .poll(() => sendCommand(Number(port), ["PING"]).catch((error: Error) => error.message), { timeout: 5000 })
    .toContain("ECONNREFUSED");
});
