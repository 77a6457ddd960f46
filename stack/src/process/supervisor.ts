import { nextRestart } from "./restart-policy.js";
import type { ProcessExit, RunningProcess } from "./start-process.js";

// launching ──ready──▶ running ──exit──▶ waiting ──delay──▶ launching
//     │                   │                 ▲ │
//     └──────not ready────┼─────────────────┘ │
//                         └──────stop─────────┴──▶ stopped        stop() ends it from every state.

/** What happens to a process over time. */
export type SupervisorEvent =
  | { readonly kind: "died"; readonly exit: ProcessExit; readonly delayMs: number }
  | { readonly kind: "not-restarted"; readonly error: Error; readonly delayMs: number }
  | { readonly kind: "restarted"; readonly pid: number };

/** A process that is started again when it dies. */
export interface Supervised {
  readonly name: string;
  /** Undefined while it is dead. */
  pid(): number | undefined;
  /** How often it was started again. */
  restarts(): number;
  /** Sends a signal to the process as it is now. */
  kill(signal: NodeJS.Signals): void;
  /** Ends it for good: SIGTERM, after `graceMs` SIGKILL. May be called twice; resolves when it is gone. */
  stop(graceMs?: number): Promise<void>;
}

/** How to look after a process. */
export interface SupervisorOptions {
  readonly name: string;
  /** False: a process that dies stays dead. */
  readonly restart: boolean;
  readonly onEvent?: (event: SupervisorEvent) => void;
}

/** Starts the process and resolves when it is ready; gives up when the signal is aborted. */
export type Launch = (signal: AbortSignal) => Promise<RunningProcess>;

/**
 * Launches a process and looks after it until it is stopped.
 * @throws what the first launch throws: a process that never ran is not started again.
 */
export async function supervise(launch: Launch, options: SupervisorOptions): Promise<Supervised> {
  const stopping = new AbortController();
  let current: RunningProcess | undefined = await launch(stopping.signal);
  let restarts = 0;

  const lookAfter = async (): Promise<void> => {
    for (let deaths = 0; current !== undefined;) {
      const startMs = performance.now();
      const exit = await current.exited;
      current = undefined;
      if (stopping.signal.aborted || !options.restart) return;
      const next = nextRestart(deaths, performance.now() - startMs);
      options.onEvent?.({ kind: "died", exit, delayMs: next.delayMs });
      const restarted = await launchAgain(launch, next, { stopping: stopping.signal, onEvent: options.onEvent });
      deaths = restarted?.deaths ?? 0;
      current = restarted?.running;
      if (current === undefined) return;
      restarts += 1;
      options.onEvent?.({ kind: "restarted", pid: current.pid });
    }
  };
  const ended = lookAfter();
  return {
    name: options.name,
    pid: () => current?.pid,
    restarts: () => restarts,
    kill: (signal) => current?.kill(signal),
    stop: async (graceMs) => {
      stopping.abort();
      await current?.stop(graceMs);
      await ended;
    },
  };
}

interface Restarted {
  readonly running: RunningProcess;
  readonly deaths: number;
}

/** Tries until it runs; undefined if it is to stop. */
async function launchAgain(
  launch: Launch,
  next: { readonly deaths: number; readonly delayMs: number },
  watch: { readonly stopping: AbortSignal; readonly onEvent: SupervisorOptions["onEvent"] },
): Promise<Restarted | undefined> {
  for (let { deaths, delayMs } = next; ;) {
    await pause(delayMs, watch.stopping);
    if (watch.stopping.aborted) return undefined;
    try {
      const running = await launch(watch.stopping);
      if (!watch.stopping.aborted) return { running, deaths };
      await running.stop();
      return undefined;
    } catch (cause) {
      if (watch.stopping.aborted) return undefined;
      ({ deaths, delayMs } = nextRestart(deaths, 0));
      watch.onEvent?.({
        kind: "not-restarted",
        error: cause instanceof Error ? cause : new Error(String(cause)),
        delayMs,
      });
    }
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done);
  });
}
