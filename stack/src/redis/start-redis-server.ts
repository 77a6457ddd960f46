import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findExecutable } from "../process/find-executable.js";
import { type RunningProcess, startProcess } from "../process/start-process.js";
import { waitUntilReady } from "../process/wait-until-ready.js";
import { withFreePorts } from "../with-free-ports.js";
import { sendCommand } from "./send-command.js";

/** Programs that are a Redis for us, the preferred one first. */
export const REDIS_PROGRAMS: readonly string[] = ["redis-server", "valkey-server"];

/** How to run a redis-server. */
export interface RedisServerOptions {
  /** Where its data lie; a folder that goes when it is stopped if absent. */
  readonly dir?: string;
  /** A free one if absent. */
  readonly port?: number;
  /** How often writes are forced to the disk (`appendfsync`); nothing is written if absent. */
  readonly appendonly?: "everysec" | "no" | "always";
  /** More arguments in redis-server's form: `["--maxmemory", "100mb"]`. */
  readonly extraArgs?: readonly string[];
  /** A file of settings that it may rewrite (a replica that is promoted notes it there); those given here stand before it. */
  readonly configFile?: string;
  /** Its output; `redis.log` in `dir` if absent. */
  readonly logFile?: string;
  /** The program; the first of {@link REDIS_PROGRAMS} on PATH if absent. */
  readonly program?: string;
  /** The whole environment; our own if absent. */
  readonly env?: NodeJS.ProcessEnv;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A redis-server of ours that answers. */
export interface RedisServer {
  /** `redis://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  /** Where its data lie. */
  readonly dir: string;
  readonly process: ChildProcess;
  readonly running: RunningProcess;
  /** SIGTERM and wait: Redis writes what is outstanding. May be called twice. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts a real redis-server on the loopback with `noeviction` and waits until it answers PING (at most 30 s, for it may
 * have an AOF to load). It ends with this process.
 * @throws Error if there is no such program, or with the end of its log if it does not come up.
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = options.program ?? findExecutable(REDIS_PROGRAMS);
  if (program === undefined) throw new Error(`None of ${REDIS_PROGRAMS.join(", ")} is on PATH.`);
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "sluice-redis-")));
  await mkdir(dir, { recursive: true });
  const { running, port } =
    options.port === undefined
      ? await withFreePorts(1, ([port = 0]) => startOn(port, dir, { ...options, program }))
      : await startOn(options.port, dir, { ...options, program });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    dir,
    process: running.process,
    running,
    stop: async () => {
      await running.stop();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
    kill: (signal) => running.kill(signal),
  };
}

async function startOn(
  port: number,
  dir: string,
  options: RedisServerOptions & { readonly program: string },
): Promise<{ readonly running: RunningProcess; readonly port: number }> {
  const running = await startProcess({
    name: "redis",
    command: options.program,
    args: redisArguments(port, dir, options),
    logFile: options.logFile ?? join(dir, "redis.log"),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  await waitUntilReady(running, {
    isReady: () => answersAs(port, running.pid),
    timeoutMs: 30_000,
    everyMs: 20,
    signal: options.signal,
  });
  return { running, port };
}

/**
 * Whether the process `pid` itself answers PING on this port: another server may have taken the port in between, and
 * would answer as well while ours ends because of it. A server that still loads its data refuses PING.
 */
export async function answersAs(port: number, pid: number): Promise<boolean> {
  if ((await sendCommand(port, ["PING"])) !== "PONG") return false;
  return (await sendCommand(port, ["INFO", "server"])).includes(`\nprocess_id:${pid}\r`);
}

function redisArguments(port: number, dir: string, options: RedisServerOptions): string[] {
  const appendonly = options.appendonly === undefined ? ["no"] : ["yes", "--appendfsync", options.appendonly];
  return [
    ...(options.configFile === undefined ? [] : [options.configFile]),
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", dir],
    ...["--maxmemory-policy", "noeviction", "--save", "", "--appendonly", ...appendonly],
    ...(options.extraArgs ?? []),
  ];
}
