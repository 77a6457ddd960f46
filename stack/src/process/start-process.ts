import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";

import { startGuard } from "./start-guard.js";

/** What to run, and where its output goes. */
export interface ProcessSpec {
  /** What people call it: `redis`, `api 1`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; our own if absent. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Gets stdout and stderr, appended; its folder is made. */
  readonly logFile: string;
}

/** How a process ended: one of the two is set. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of its own that ends with us. */
export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  readonly logFile: string;
  /** Resolves when the process has ended, never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Sends a signal; nothing happens if the process is gone. */
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, after `graceMs` (10 s) SIGKILL; resolves when the process has ended. May be called twice. */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts a process in a session of its own, so that Ctrl-C in our terminal does not reach it and whoever started it
 * decides the order in which things stop. It ends when we end, even by SIGKILL (see start-guard.ts), and with it end
 * all processes that it started itself.
 * @throws Error if the command cannot be run.
 */
export async function startProcess(spec: ProcessSpec): Promise<RunningProcess> {
  const child = spawnWithLog(spec);
  const pid = await pidOf(child, spec);
  const guard = startGuard(pid);
  let stopping = false;
  const exited = new Promise<ProcessExit>((resolve) => {
    const ended = (): void => {
      guard.dismiss();
      killGroup(pid);
      resolve({ code: child.exitCode, signal: child.signalCode });
    };
    if (hasEnded(child)) ended();
    else child.once("exit", ended);
  });
  return {
    name: spec.name,
    pid,
    process: child,
    logFile: spec.logFile,
    exited,
    kill: (signal) => void child.kill(signal),
    stop: (graceMs = 10_000) => {
      // Only one SIGTERM: programs take a second one for "at once".
      if (!stopping) child.kill("SIGTERM");
      stopping = true;
      return killAfter(child, exited, graceMs);
    },
  };
}

function spawnWithLog(spec: ProcessSpec): ChildProcess {
  mkdirSync(dirname(spec.logFile), { recursive: true });
  const log = openSync(spec.logFile, "a");
  try {
    return spawn(spec.command, spec.args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: spec.env ?? process.env,
      cwd: spec.cwd,
    });
  } finally {
    closeSync(log);
  }
}

async function pidOf(child: ChildProcess, spec: ProcessSpec): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const cause = await new Promise<Error>((resolve) => child.once("error", resolve));
  throw new Error(`${spec.name}: ${spec.command} cannot be run: ${cause.message}`, { cause });
}

async function killAfter(child: ChildProcess, exited: Promise<ProcessExit>, graceMs: number): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await exited;
  clearTimeout(timer);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** What a process leaves behind when it dies is of no use to anybody and may hold ports. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in the group: the usual case.
  }
}
