import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { freePort } from "../free-port.js";
import type { TritonInstallation } from "./prepare-triton.js";

/** A running tritonserver of our own. */
export interface Triton {
  /** `host:port` of its gRPC service. */
  readonly grpcUrl: string;
  readonly httpUrl: string;
  readonly metricsUrl: string;
  readonly process: ChildProcess;
  /** Stops it in order and resolves when the process is gone. Twice is fine. */
  stop(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** How to start it. */
export interface TritonOptions {
  /** The model repository. */
  readonly repository: string;
  /** Free ports if absent. */
  readonly httpPort?: number;
  readonly grpcPort?: number;
  readonly metricsPort?: number;
  /** Where its output goes; nowhere if absent (the end of it is kept for errors). */
  readonly logFile?: string;
  readonly readyTimeoutMs?: number;
}

/**
 * Starts Triton and resolves when it and all its models are ready.
 * @throws Error with the end of its output if it exits instead, or is not ready in time.
 */
export async function startTriton(installation: TritonInstallation, options: TritonOptions): Promise<Triton> {
  const [http, grpc, metrics] = await Promise.all(
    [options.httpPort, options.grpcPort, options.metricsPort].map(async (port) => port ?? (await freePort())),
  );
  const args = tritonArgs(installation, options.repository, {
    http: http ?? 0,
    grpc: grpc ?? 0,
    metrics: metrics ?? 0,
  });
  const server = spawn(installation.program, args, {
    env: installation.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  const log = options.logFile ? createWriteStream(options.logFile, { flags: "a" }) : undefined;
  const keepEnd = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4_000);
    log?.write(chunk);
  };
  server.stdout.on("data", keepEnd);
  server.stderr.on("data", keepEnd);
  const exited = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const isGone = () => server.exitCode !== null || server.signalCode !== null;
  const killGroup = (signal: NodeJS.Signals) => signalGroup(server, signal);
  const killWithParent = () => killGroup("SIGKILL");
  process.once("exit", killWithParent);
  const httpUrl = `http://127.0.0.1:${http}`;
  const giveUpAt = performance.now() + (options.readyTimeoutMs ?? 60_000);
  while (!(await isReady(httpUrl))) {
    if (isGone() || performance.now() > giveUpAt) {
      killWithParent();
      throw new Error(`tritonserver did not become ready:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    grpcUrl: `127.0.0.1:${grpc}`,
    httpUrl,
    metricsUrl: `http://127.0.0.1:${metrics}/metrics`,
    process: server,
    kill: killGroup,
    async stop() {
      process.off("exit", killWithParent);
      if (!isGone()) server.kill("SIGTERM");
      await exited;
      // Stubs of models may outlive a server that was killed.
      killGroup("SIGKILL");
      log?.end();
    },
  };
}

function tritonArgs(
  installation: TritonInstallation,
  repository: string,
  ports: { readonly http: number; readonly grpc: number; readonly metrics: number },
): string[] {
  return [
    `--model-repository=${repository}`,
    `--backend-directory=${installation.backends}`,
    "--http-address=127.0.0.1",
    "--grpc-address=127.0.0.1",
    "--metrics-address=127.0.0.1",
    `--http-port=${ports.http}`,
    `--grpc-port=${ports.grpc}`,
    `--metrics-port=${ports.metrics}`,
    "--exit-timeout-secs=10",
  ];
}

/** A signal to the server and to the processes that run its models: they are one process group. */
function signalGroup(server: ChildProcess, signal: NodeJS.Signals): void {
  if (server.pid === undefined) return;
  try {
    process.kill(-server.pid, signal);
  } catch {
    // The whole group is gone.
  }
}

async function isReady(httpUrl: string): Promise<boolean> {
  try {
    return (await fetch(`${httpUrl}/v2/health/ready`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}
