import { setTimeout as sleep } from "node:timers/promises";

import type { ProcessExit, RunningProcess } from "@sluice/stack";

/** How a process ended that nobody had ended. */
export interface UnplannedExit extends ProcessExit {
  readonly name: string;
  /** After it had been ready; before that it may give up because Redis is away, and is started again. */
  readonly wasReady: boolean;
}

/** A process in a place of its own that faults are done to. */
export interface ManagedProcess {
  readonly name: string;
  isRunning(): boolean;
  pid(): number;
  /** SIGKILL, and wait. */
  kill(): Promise<void>;
  /** Starts it again in its place and resolves when it is ready; nothing if it runs. */
  restart(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, SIGKILL after `graceMs`. It stays down until `restart`. @returns how it ended. */
  terminate(graceMs: number): Promise<ProcessExit>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/**
 * Starts a process and keeps its place: whatever ends unasked is reported and started again.
 * @param launch starts it and resolves when it is ready; tried again while it rejects, up to `giveUpMs`.
 */
export async function manageProcess(
  name: string,
  launch: () => Promise<RunningProcess>,
  onUnplannedExit: (exit: UnplannedExit) => void,
): Promise<ManagedProcess> {
  let running = await launch();
  let alive = true;
  let wanted = true;
  let starting: Promise<void> | undefined;
  const watch = (process: RunningProcess): void => {
    void process.exited.then((exit) => {
      if (!wanted || process !== running) return;
      alive = false;
      onUnplannedExit({ ...exit, name, wasReady: true });
      void restart();
    });
  };
  const restart = (): Promise<void> => {
    wanted = true;
    return (starting ??= startAgain().finally(() => (starting = undefined)));
  };
  const startAgain = async (): Promise<void> => {
    for (const deadlineMs = performance.now() + GIVE_UP_MS; wanted && !alive;) {
      try {
        const next = await launch();
        running = next;
        alive = true;
        if (!wanted) next.kill("SIGKILL");
        else watch(next);
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        onUnplannedExit({ name, code: 1, signal: null, wasReady: false });
        await sleep(500);
      }
    }
  };
  const terminate = async (graceMs: number): Promise<ProcessExit> => {
    wanted = false;
    await running.stop(graceMs);
    alive = false;
    return await running.exited;
  };
  watch(running);
  const read = { name, isRunning: () => alive, pid: () => running.pid };
  return {
    ...read,
    async kill() {
      wanted = alive = false;
      running.kill("SIGKILL");
      await running.exited;
    },
    terminate,
    restart,
    signal: (signal) => running.kill(signal),
    async stop() {
      running.kill("SIGCONT");
      await terminate(5_000);
    },
  };
}

/** Longer than any fault lasts. */
const GIVE_UP_MS = 120_000;
