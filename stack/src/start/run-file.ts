import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { processIdentity } from "../process/process-identity.js";
import { SetupError } from "../setup/setup-error.js";

/** Keeps two starts out of one folder, and remembers what a start that was killed left behind. */
export interface RunFile {
  /** To be called whenever the processes are others than before. */
  note(pids: readonly number[]): void;
  /** To be called when nothing runs any more. */
  remove(): void;
}

interface NotedProcess {
  readonly pid: number;
  readonly identity: string;
}

interface RunNote {
  readonly main: NotedProcess;
  readonly children: readonly NotedProcess[];
}

/**
 * Claims `file` for this process. Processes that an earlier owner left behind are ended first.
 * @param onLeftOver told the number of each such process.
 * @throws SetupError if the earlier owner still runs.
 */
export async function openRunFile(file: string, onLeftOver: (pid: number) => void): Promise<RunFile> {
  const earlier = readNote(file);
  if (earlier !== undefined && isAlive(earlier.main)) {
    const { pid } = earlier.main;
    throw new SetupError(`Sluice runs here already, as process ${pid}: stop it first (Ctrl-C there, or kill ${pid}).`);
  }
  await Promise.all((earlier?.children ?? []).filter(isAlive).map((child) => endLeftOver(child, onLeftOver)));
  mkdirSync(dirname(file), { recursive: true });
  const note = (pids: readonly number[]): void => {
    const children = pids.map(toNoted).filter((one) => one !== undefined);
    const main = toNoted(process.pid);
    writeFileSync(file, JSON.stringify({ main, children }));
  };
  note([]);
  return { note, remove: () => rmSync(file, { force: true }) };
}

function readNote(file: string): RunNote | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as RunNote;
  } catch {
    // None yet, or cut off while it was written: nothing is known.
    return undefined;
  }
}

function toNoted(pid: number): NotedProcess | undefined {
  const identity = processIdentity(pid);
  return identity === undefined ? undefined : { pid, identity };
}

function isAlive({ pid, identity }: NotedProcess): boolean {
  return processIdentity(pid) === identity;
}

/** The whole group: each was started as the first of one (start-process.ts). */
async function endLeftOver(child: NotedProcess, onLeftOver: (pid: number) => void): Promise<void> {
  onLeftOver(child.pid);
  for (const [signal, waitMs] of [["SIGTERM", 5_000] as const, ["SIGKILL", 1_000] as const]) {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has ended meanwhile.
      return;
    }
    const deadlineMs = performance.now() + waitMs;
    while (isAlive(child) && performance.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
