import type { Logger } from "pino";
import type { Service } from "../service.js";

/** Something that looks again and again. */
export interface Poller extends Service {
  /** Milliseconds since a look last succeeded, or since `start`; 0 before. One that hangs shows, whatever it hangs on. */
  ageMs(): number;
}

/**
 * Calls `look` again and again, `everyMs` after the last call has ended. An error is logged when the trouble begins,
 * and its end is told; in between it stays quiet.
 */
export function createPoller(look: () => Promise<void>, everyMs: number, log: Logger): Poller {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let troubled = false;
  let doneMs: number | undefined;
  const turn = async (): Promise<void> => {
    try {
      await look();
      doneMs = performance.now();
      if (troubled) log.info("poll works again");
      troubled = false;
    } catch (error) {
      if (!troubled) log.warn({ err: error }, "poll failed");
      troubled = true;
    }
    schedule();
  };
  const schedule = (): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      running = turn();
    }, everyMs);
  };
  return {
    ageMs: () => (doneMs === undefined ? 0 : performance.now() - doneMs),
    async start() {
      doneMs = performance.now();
      schedule();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
