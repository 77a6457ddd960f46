import { join } from "node:path";

import { connectRedis, parseRedisUrl, type RedisClient } from "@sluice/broker";
import { type RedisServer, type RedisServerOptions, sendCommand, startRedisServer, withFreePorts } from "@sluice/stack";

import { pino } from "pino";

import { startTcpLink, type TcpLink } from "../proxy/tcp-link.js";

/** One redis-server that can be killed and started again in its place, behind a link. */
export interface RedisNode {
  readonly name: string;
  /** Where its data and its log (`redis.log`) lie. */
  readonly dir: string;
  /** The server's own port: the harness's way in, past the link. */
  readonly port: number;
  /** What the roles and the other servers use. */
  readonly link: TcpLink;
  /** In front of its port for the cluster's own bus, where nodes can be separated. */
  readonly busLink: TcpLink | undefined;
  /** Where its own connections come from, where nodes can be separated. */
  readonly sourceAddress: string | undefined;
  readonly isRunning: () => boolean;
  pid(): number;
  kill(): Promise<void>;
  /** SIGTERM, and wait: it writes what is outstanding. */
  terminate(): Promise<void>;
  /** On the same port, with the same data. */
  restart(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** A command past the link; words without white space. */
  command(...words: string[]): Promise<string>;
  /** One field of `INFO`; undefined if it is not there. */
  info(section: string, field: string): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** How to start one. */
export interface RedisNodeSpec {
  readonly name: string;
  readonly dir: string;
  /** Given the port of the link, which the server announces where others have to find it. */
  readonly args: (linkPort: number) => readonly string[];
  readonly configFile?: string;
  /** More variables of the process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly busLink?: TcpLink;
  readonly sourceAddress?: string;
}

/** Starts a redis-server with AOF everysec behind a link of its own. */
export async function startRedisNode(spec: RedisNodeSpec): Promise<RedisNode> {
  return withFreePorts(1, async ([port = 0]) => {
    const link = await startTcpLink({ name: spec.name, targetPort: port });
    try {
      return await startBehind(link, port, spec);
    } catch (error) {
      await link.stop();
      throw error;
    }
  });
}

/** Until a server that died follows its successor, nobody may confirm what that writes: log and copy are loaded soon. */
const SOON_BACK = [
  ...["--auto-aof-rewrite-min-size", "8mb"],
  ...["--repl-diskless-sync-delay", "0", "--repl-diskless-load", "swapdb"],
];

async function startBehind(link: TcpLink, port: number, spec: RedisNodeSpec): Promise<RedisNode> {
  const dir = join(spec.dir, spec.name);
  const options: RedisServerOptions = {
    dir,
    port,
    appendonly: "everysec",
    extraArgs: [...spec.args(link.port), ...SOON_BACK],
    ...(spec.configFile === undefined ? {} : { configFile: spec.configFile }),
    ...(spec.env === undefined ? {} : { env: { ...process.env, ...spec.env } }),
  };
  let server: RedisServer = await startRedisServer(options);
  let running = true;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running = false;
    server.kill(signal);
    await server.running.exited;
  };
  const command = (...words: string[]) => sendCommand(port, words);
  return {
    name: spec.name,
    dir,
    port,
    link,
    busLink: spec.busLink,
    sourceAddress: spec.sourceAddress,
    isRunning: () => running,
    pid: () => server.running.pid,
    kill: () => end("SIGKILL"),
    terminate: () => end("SIGTERM"),
    async restart() {
      if (running) return;
      server = await startAgain(options);
      running = true;
    },
    signal: (signal) => server.kill(signal),
    command,
    async info(section, field) {
      const line = (await command("INFO", section)).split("\r\n").find((one) => one.startsWith(`${field}:`));
      return line?.slice(field.length + 1);
    },
    async stop() {
      await Promise.all([link.stop(), spec.busLink?.stop()]);
      await server.stop();
    },
  };
}

/** An outgoing connection may hold the port for a moment. */
async function startAgain(options: RedisServerOptions): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startRedisServer(options);
    } catch (error) {
      if (attempt === 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Works with one server past its link, by a client that is closed afterwards: for commands with lists in their replies. */
export async function withNode<T>(node: Pick<RedisNode, "port">, work: (redis: RedisClient) => Promise<T>): Promise<T> {
  const redis = await connectRedis(parseRedisUrl(`redis://127.0.0.1:${node.port}`), pino({ level: "silent" }));
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
