import { mkdir, readdir, rename } from "node:fs/promises";
import { join } from "node:path";

import { stopInOrder } from "../process/stop-in-order.js";
import { type Launch, supervise, type Supervised } from "../process/supervisor.js";
import { startRedisServer } from "../redis/start-redis-server.js";
import { launchRole } from "../roles/launch-role.js";
import { HTTP_VARIABLES, type Role, roleUrl } from "../roles/role.js";
import type { TritonInstallation } from "../triton/prepare-triton.js";
import { startTriton } from "../triton/start-triton.js";
import { withFreePorts } from "../with-free-ports.js";
import type { StackOptions } from "./stack-options.js";

/** The Redis of a stack. */
export interface StackRedis {
  readonly url: string;
  /** Undefined if it runs elsewhere. */
  readonly process: Supervised | undefined;
}

/** The Triton of a stack; only `grpcUrl` is known of one that runs elsewhere. */
export interface StackTriton {
  /** `host:port` */
  readonly grpcUrl: string;
  readonly httpUrl: string | undefined;
  readonly metricsUrl: string | undefined;
  readonly process: Supervised | undefined;
}

/** One process of a role. */
export interface RoleProcess extends Supervised {
  /** `http://127.0.0.1:PORT`: the api's own; where the others have `/metrics` and `/healthz/ready`. */
  readonly url: string;
}

/** Starts the parts of a stack one by one, each resolved when it is ready, and ends them all. */
export interface StackParts {
  readonly logFolder: string;
  startRedis(): Promise<StackRedis>;
  startTriton(installation: TritonInstallation, repository: string): Promise<StackTriton>;
  /** As many processes as the options say. */
  startRole(role: Role, env: Readonly<Record<string, string>>): Promise<RoleProcess[]>;
  /** Ends in order what was started. */
  stop(): Promise<void>;
  forceStop(): void;
}

/** What goes first, and how long each may take (ms). */
const STOP_ORDER = [
  // Requests that wait for a result are answered first.
  { part: "api", graceMs: 10_000 },
  { part: "batcher", graceMs: 10_000 },
  // Batches that run are settled; a lease is 15 s.
  { part: "gpu-worker", graceMs: 20_000 },
  // Has nothing left to compute, and its own way out takes 3 to 5 s.
  { part: "triton", graceMs: 2_000 },
  { part: "redis", graceMs: 10_000 },
] as const;

/** A gpu-worker is ready when its Triton is, and one that runs elsewhere may still have to load our repository. */
const TRITON_ELSEWHERE_MS = 300_000;

type Part = (typeof STOP_ORDER)[number]["part"];

/** Prepares the folder of logs; starts nothing yet. */
export async function createStackParts(options: StackOptions): Promise<StackParts> {
  const logFolder = join(options.dir, "logs");
  await keepPreviousLogs(logFolder);
  const started: { readonly part: Part; readonly supervised: Supervised }[] = [];
  const lookAfter: LookAfter = async (part, name, launch) => {
    const supervised = await supervise((stopping) => launch(eitherSignal(stopping, options.signal)), {
      name,
      restart: options.supervise ?? false,
      onEvent: (event) => options.onEvent?.(name, event),
    });
    started.push({ part, supervised });
    return supervised;
  };
  const logFile = (name: string): string => join(logFolder, `${name}.log`);
  const membersOf = (part: Part): Supervised[] =>
    started.filter((one) => one.part === part).map(({ supervised }) => supervised);
  return {
    logFolder,
    startRedis: () => startRedis(options, logFile("redis"), lookAfter),
    startTriton: (installation, repository) =>
      startTritonPart(options, { installation, repository, logFile: logFile("triton") }, lookAfter),
    startRole: (role, env) =>
      startEach(options.counts?.[role] ?? 1, (index) => {
        const name = index === 0 ? role : `${role}-${index + 1}`;
        const port = index === 0 ? options.ports?.[role] : undefined;
        const readyMs = role === "gpu-worker" && options.tritonUrl !== undefined ? TRITON_ELSEWHERE_MS : undefined;
        const args = role === "api" && options.insecure ? ["--insecure"] : [];
        return startRoleProcess({ name, role, env, args, logFile: logFile(name), readyMs }, port, lookAfter);
      }),
    stop: () => stopInOrder(STOP_ORDER.map(({ part, graceMs }) => ({ members: membersOf(part), graceMs }))),
    forceStop: () => started.forEach(({ supervised }) => supervised.kill("SIGKILL")),
  };
}

type LookAfter = (part: Part, name: string, launch: Launch) => Promise<Supervised>;

async function startRedis(options: StackOptions, logFile: string, lookAfter: LookAfter): Promise<StackRedis> {
  const dir = join(options.dir, "redis");
  const { redisProgram: program } = options;
  return withPorts([options.ports?.redis], async ([port = 0]) => {
    const process = await lookAfter("redis", "redis", async (signal) => {
      const redis = await startRedisServer({ dir, port, appendonly: "everysec", logFile, program, signal });
      return redis.running;
    });
    return { url: `redis://127.0.0.1:${port}`, process };
  });
}

async function startTritonPart(
  options: StackOptions,
  server: { readonly installation: TritonInstallation; readonly repository: string; readonly logFile: string },
  lookAfter: LookAfter,
): Promise<StackTriton> {
  const wanted = [options.ports?.tritonHttp, options.ports?.tritonGrpc, options.ports?.tritonMetrics];
  return withPorts(wanted, async ([httpPort = 0, grpcPort = 0, metricsPort = 0]) => {
    const process = await lookAfter("triton", "triton", async (signal) => {
      const triton = await startTriton({ ...server, httpPort, grpcPort, metricsPort, signal });
      return triton.running;
    });
    return {
      grpcUrl: `127.0.0.1:${grpcPort}`,
      httpUrl: `http://127.0.0.1:${httpPort}`,
      metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
      process,
    };
  });
}

async function startRoleProcess(
  spec: {
    readonly name: string;
    readonly role: Role;
    readonly env: Readonly<Record<string, string>>;
    readonly args: readonly string[];
    readonly logFile: string;
    readonly readyMs: number | undefined;
  },
  wantedPort: number | undefined,
  lookAfter: LookAfter,
): Promise<RoleProcess> {
  return withPorts([wantedPort], async ([port = 0]) => {
    const env = { ...process.env, ...spec.env, [HTTP_VARIABLES[spec.role].port]: String(port) };
    const supervised = await lookAfter(spec.role, spec.name, (signal) => launchRole({ ...spec, env, signal }));
    return { ...supervised, url: roleUrl(spec.role, env) };
  });
}

/** Waits for all also if one fails, so that nothing comes up after everything was stopped. */
async function startEach<T>(count: number, startOne: (index: number) => Promise<T>): Promise<T[]> {
  const all = Array.from({ length: count }, (_, index) => startOne(index));
  await Promise.allSettled(all);
  return Promise.all(all);
}

/** On the wanted ports, and on free ones where none is wanted. */
async function withPorts<T>(
  wanted: readonly (number | undefined)[],
  start: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  return withFreePorts(wanted.length, (free) => start(free.map((port, index) => wanted[index] ?? port)));
}

/** The first launch ends with the start of the stack as well as with the process itself. */
function eitherSignal(stopping: AbortSignal, starting: AbortSignal | undefined): AbortSignal {
  return starting === undefined ? stopping : AbortSignal.any([stopping, starting]);
}

/** Logs begin anew; those of the run before are kept as NAME.previous.log. */
async function keepPreviousLogs(logFolder: string): Promise<void> {
  await mkdir(logFolder, { recursive: true });
  for (const name of await readdir(logFolder)) {
    if (!name.endsWith(".log") || name.endsWith(".previous.log")) continue;
    await rename(join(logFolder, name), join(logFolder, name.replace(/\.log$/, ".previous.log")));
  }
}
