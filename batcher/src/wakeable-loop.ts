import type { Clock, Service } from "@sluice/broker";
import type { Logger } from "pino";
import type { LoopHealth, LoopName, LoopPulse } from "./loop-health.js";

const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 1_000;

/**
 * A loop that takes its next turn when its time has come, or earlier when it is woken. `start` resolves after the
 * first turn, whether that went well or not.
 */
export interface WakeableLoop extends Service {
  /** Something changed. Does nothing before `start`, after `stop`, and while the loop backs off after an error. */
  wake(): void;
}

/**
 * Runs `turn` again and again, never two turns at once, and never ends by itself: an error costs a pause with jitter,
 * and is logged when the trouble begins.
 * @param turn answers in how many milliseconds the next turn must come at the latest: Infinity for "when woken", 0
 * for at once (only after a turn that waited for something, or the process would do nothing else).
 */
export function createWakeableLoop(name: LoopName, turn: () => Promise<number>, deps: LoopDeps): WakeableLoop {
  const guarded = guardTurn(name, turn, deps);
  let started = false;
  let stopped = false;
  let woken = false;
  let turning = false;
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  let firstTurnDone = (): void => undefined;

  const run = async (): Promise<void> => {
    let delayMs: number;
    do {
      woken = false;
      delayMs = await guarded.turn(() => stopped);
      if (woken && !guarded.isFailing()) delayMs = 0;
      firstTurnDone();
    } while (delayMs <= 0 && !stopped);
    turning = false;
    if (!stopped && delayMs !== Infinity) timer = setTimeout(begin, Math.ceil(delayMs));
  };
  const begin = (): void => {
    clearTimeout(timer);
    turning = true;
    running = run();
  };
  return {
    async start() {
      if (started || stopped) return;
      started = true;
      guarded.begin();
      const firstTurn = new Promise<void>((resolve) => (firstTurnDone = resolve));
      begin();
      await firstTurn;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      guarded.end();
    },
    wake() {
      if (!started || stopped) return;
      if (turning) woken = true;
      else if (!guarded.isFailing()) begin();
    },
  };
}

interface LoopDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly health: LoopHealth;
}

/** A turn that answers with a pause where the original throws. */
function guardTurn(name: LoopName, turn: () => Promise<number>, { log, clock, health }: LoopDeps) {
  let failures = 0;
  let pulse: LoopPulse | undefined;
  return {
    begin: () => void (pulse = health.begin(name, clock.monotonicMs())),
    end: () => pulse?.ended(),
    isFailing: () => failures > 0,
    async turn(isStopped: () => boolean): Promise<number> {
      try {
        const delayMs = await turn();
        pulse?.completed(clock.monotonicMs());
        if (failures > 0) log.info({ loop: name, failures }, "loop works again");
        failures = 0;
        return delayMs;
      } catch (error) {
        // A connection that is closed because the loop ends is no trouble.
        if (failures === 0 && !isStopped()) log.warn({ err: error, loop: name }, "loop in trouble, it goes on trying");
        failures++;
        return backoffMs(failures);
      }
    },
  };
}

function backoffMs(failures: number): number {
  return Math.min(BACKOFF_BASE_MS * 2 ** Math.min(failures, 10), BACKOFF_MAX_MS) * (0.5 + Math.random() / 2);
}
