import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { freePort } from "../free-port.js";
import { findOnPath } from "./find-on-path.js";

/** A redis-server (or valkey-server) of our own. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Stops it in order and resolves when the process is gone. Twice is fine. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** What a server of ours may be told. */
export interface RedisServerOptions {
  /** Where it keeps its data; a folder of its own that goes with it if absent. */
  readonly dir?: string;
  /** A free port if absent. */
  readonly port?: number;
  readonly appendonly?: "everysec" | "always" | "no";
  readonly extraArgs?: readonly string[];
}

/**
 * Starts a server bound to the loopback, with `noeviction`, and resolves when it answers PING.
 * @throws Error with the end of its output if it exits instead.
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = (await findOnPath("redis-server")) ?? (await findOnPath("valkey-server"));
  if (!program) throw new Error("neither redis-server nor valkey-server is on PATH");
  const dir = options.dir ?? (await mkdtemp(path.join(os.tmpdir(), "sluice-redis-")));
  await mkdir(dir, { recursive: true });
  const port = options.port ?? (await freePort());
  const server = spawn(program, serverArgs(dir, port, options), { stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  const keepEnd = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-2_000));
  server.stdout.on("data", keepEnd);
  server.stderr.on("data", keepEnd);
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const killWithParent = () => server.kill("SIGKILL");
  process.once("exit", killWithParent);
  const isGone = () => server.exitCode !== null || server.signalCode !== null;
  while (!(await ping(port))) {
    if (isGone()) throw new Error(`redis-server did not start:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    process: server,
    kill: (signal) => server.kill(signal),
    async stop() {
      process.off("exit", killWithParent);
      if (!isGone()) server.kill("SIGTERM");
      await exited;
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
}

function serverArgs(dir: string, port: number, options: RedisServerOptions): string[] {
  const { appendonly = "everysec", extraArgs = [] } = options;
  const append = appendonly === "no" ? ["--appendonly", "no"] : ["--appendonly", "yes", "--appendfsync", appendonly];
  const fixed = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--dir",
    dir,
    "--save",
    "",
    "--maxmemory-policy",
    "noeviction",
  ];
  return [...fixed, ...append, ...extraArgs];
}

/** Whether the server at this port answers PING, as it does once its data are loaded. */
export async function ping(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.once("data", (reply) => {
      resolve(reply.toString().startsWith("+PONG"));
      socket.destroy();
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
