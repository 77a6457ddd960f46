import type { Logger } from "pino";
import type { Service } from "../service.js";

/**
 * Calls `look` again and again, `everyMs` after the last call has ended. An error is logged when the trouble begins,
 * and its end is told; in between it stays quiet.
 */
export function createPoller(look: () => Promise<void>, everyMs: number, log: Logger): Service {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let troubled = false;
  const turn = async (): Promise<void> => {
    try {
      await look();
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
    async start() {
      schedule();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
