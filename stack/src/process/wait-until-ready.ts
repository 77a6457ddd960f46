import { open } from "node:fs/promises";

import type { RunningProcess } from "./start-process.js";

/** How to find out that a process is ready. */
export interface Readiness {
  /** Asked every `everyMs`; a rejection counts as no. */
  readonly isReady: () => Promise<boolean>;
  /** Longest time until it must be ready, in ms. */
  readonly timeoutMs: number;
  /** Pause between two questions, in ms. @defaultValue 50 */
  readonly everyMs?: number;
  /** Gives up when it is aborted. */
  readonly signal?: AbortSignal;
}

/**
 * Waits until a process that was just started is ready. If it is not, it is stopped.
 * @throws Error with the end of its log if it ends before that, or is not ready in time; Error if it is aborted.
 */
export async function waitUntilReady(running: RunningProcess, readiness: Readiness): Promise<void> {
  const deadlineMs = performance.now() + readiness.timeoutMs;
  let ended: string | undefined;
  void running.exited.then(({ code, signal }) => {
    ended = signal === null ? `ended with code ${code ?? "?"}` : `was ended by ${signal}`;
  });
  for (;;) {
    if (await readiness.isReady().catch(() => false)) return;
    if (ended !== undefined) throw new Error(`${running.name} ${ended} before it was ready.${await endOfLog(running)}`);
    if (readiness.signal?.aborted === true) {
      await running.stop(1000);
      throw new Error(`${running.name} was stopped before it was ready.`);
    }
    if (performance.now() > deadlineMs) {
      await running.stop(1000);
      const seconds = Math.round(readiness.timeoutMs / 1000);
      throw new Error(`${running.name} was not ready after ${seconds} s.${await endOfLog(running)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, readiness.everyMs ?? 50));
  }
}

/** At most the last 2,000 bytes of the log, from the start of a line. */
async function endOfLog({ logFile }: RunningProcess): Promise<string> {
  const file = await open(logFile, "r");
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - 2000);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.subarray(0, bytesRead).toString("utf8").trimEnd();
    if (text === "") return ` It wrote nothing to ${logFile}.`;
    const whole = start === 0 ? text : text.slice(text.indexOf("\n") + 1);
    return ` The end of ${logFile}:\n${whole.replace(/^/gm, "  ")}`;
  } finally {
    await file.close();
  }
}
