import type { ChildProcess } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { type RunningProcess, startProcess } from "../process/start-process.js";
import { waitUntilReady } from "../process/wait-until-ready.js";
import { withFreePorts } from "../with-free-ports.js";
import type { TritonInstallation } from "./prepare-triton.js";

/** How to run a tritonserver. */
export interface TritonOptions {
  readonly installation: TritonInstallation;
  /** The model repository: every model in it is loaded. */
  readonly repository: string;
  /** Ports of the loopback; free ones if absent. */
  readonly httpPort?: number;
  readonly grpcPort?: number;
  readonly metricsPort?: number;
  /** Its output; a file of its own if absent. */
  readonly logFile?: string;
  /** More arguments for tritonserver. */
  readonly extraArgs?: readonly string[];
  /** Longest time until all models are loaded, in ms. @defaultValue 120,000 */
  readonly timeoutMs?: number;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
}

/** A tritonserver of ours that has loaded every model. */
export interface Triton {
  /** `127.0.0.1:PORT`, as TRITON_URL has it. */
  readonly grpcUrl: string;
  /** `http://127.0.0.1:PORT` */
  readonly httpUrl: string;
  /** `http://127.0.0.1:PORT/metrics` */
  readonly metricsUrl: string;
  readonly process: ChildProcess;
  readonly running: RunningProcess;
  /**
   * SIGTERM, and SIGKILL after `graceMs` (2 s): with nothing left to compute its own way out still takes 3 to 5 s, for it
   * looks once a second whether its models are gone. May be called twice.
   */
  stop(graceMs?: number): Promise<void>;
  /** Sends a signal to tritonserver; when it dies, its model processes die with it. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts tritonserver on the loopback and waits until it says that it is ready, every model included. It ends with this
 * process.
 * @throws Error with the end of its log if a model cannot be loaded or it does not come up.
 */
export async function startTriton(options: TritonOptions): Promise<Triton> {
  return withFreePorts(3, ([http = 0, grpc = 0, metrics = 0]) =>
    startOn(options, {
      http: options.httpPort ?? http,
      grpc: options.grpcPort ?? grpc,
      metrics: options.metricsPort ?? metrics,
    }),
  );
}

interface TritonPorts {
  readonly http: number;
  readonly grpc: number;
  readonly metrics: number;
}

async function startOn(options: TritonOptions, ports: TritonPorts): Promise<Triton> {
  const logFolder = options.logFile === undefined ? await mkdtemp(join(tmpdir(), "sluice-triton-")) : undefined;
  // Nobody else on this machine uses the port, so nobody else uses the name.
  const sharedMemory = `sluice-triton-${ports.grpc}-`;
  const running = await startProcess({
    name: "triton",
    command: options.installation.program,
    args: tritonArguments(options, ports, sharedMemory),
    env: tritonEnvironment(options.installation),
    logFile: options.logFile ?? join(logFolder ?? "", "triton.log"),
  });
  void running.exited.then(() => removeSharedMemory(sharedMemory));
  const httpUrl = `http://127.0.0.1:${ports.http}`;
  await waitUntilReady(running, {
    isReady: async () => (await fetch(`${httpUrl}/v2/health/ready`, { signal: AbortSignal.timeout(1000) })).ok,
    timeoutMs: options.timeoutMs ?? 120_000,
    signal: options.signal,
  });
  return {
    grpcUrl: `127.0.0.1:${ports.grpc}`,
    httpUrl,
    metricsUrl: `http://127.0.0.1:${ports.metrics}/metrics`,
    process: running.process,
    running,
    stop: async (graceMs = 2000) => {
      await running.stop(graceMs);
      if (logFolder !== undefined) await rm(logFolder, { recursive: true, force: true });
    },
    kill: (signal) => running.kill(signal),
  };
}

function tritonArguments(options: TritonOptions, ports: TritonPorts, sharedMemory: string): string[] {
  return [
    `--model-repository=${options.repository}`,
    `--backend-directory=${options.installation.backends}`,
    `--backend-config=python,shm-region-prefix-name=${sharedMemory}`,
    ...["http", "grpc", "metrics"].map((service) => `--${service}-address=127.0.0.1`),
    ...Object.entries(ports).map(([service, port]: [string, number]) => `--${service}-port=${port}`),
    // A model that does not load is an error at the start and not a surprise in the middle.
    ...["--exit-on-error=true", "--strict-readiness=true", "--exit-timeout-secs=5", "--log-verbose=0"],
    ...(options.extraArgs ?? []),
  ];
}

function tritonEnvironment({ programFolder, libraryFolders }: TritonInstallation): NodeJS.ProcessEnv {
  const { PATH = "", LD_LIBRARY_PATH = "" } = process.env;
  const folders = [...libraryFolders, ...LD_LIBRARY_PATH.split(delimiter)].filter((folder) => folder !== "");
  return {
    // One thread a model process: the cores are shared with the other processes, and threads of a matrix library that
    // spin between batches would take them from those. The user's own setting wins.
    OMP_NUM_THREADS: "1",
    OPENBLAS_NUM_THREADS: "1",
    ...process.env,
    PATH: [programFolder, PATH].join(delimiter),
    LD_LIBRARY_PATH: folders.join(delimiter),
  };
}

/** A killed tritonserver leaves the memory that it shared with its model processes behind. At once, for we may be about to end. */
function removeSharedMemory(prefix: string): void {
  const folder = "/dev/shm";
  for (const name of readdirSync(folder)) if (name.startsWith(prefix)) rmSync(join(folder, name), { force: true });
}
