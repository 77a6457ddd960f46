import type { Clock, DoneEvents, Service } from "@sluice/broker";

/**
 * Why a wait came to a pause: there may be something new to read, its time is over, the client is gone, or this
 * process is stopping. Only after "look" does it make sense to go on.
 */
export type WakeReason = "look" | "over" | "gone" | "draining";

/** One caller who waits for one run. */
export interface TaskWait {
  /** Whose wake-ups are heard. */
  readonly runId: string;
  /** Hears another run from now on: the task turned out to be on that one. */
  follow(runId: string): void;
  /** Resolves at the next wake-up; at once if there was one since the last call. */
  next(): Promise<WakeReason>;
  /** The client went away. */
  readonly leave: () => void;
  /** Always call it at the end, or the wait is kept. */
  close(): void;
}

/** All callers who wait. */
export interface TaskWaits extends Service {
  /** From now on wake-ups of the run are heard. Open first, then admit or read: nothing is missed then. */
  open(runId: string, waitMs: number): TaskWait;
  /** Ends all waits, and every later one at once. */
  drain(): void;
  readonly count: () => number;
}

/** One timer looks after all waits: two timers for each would cost more than the waits themselves. */
const TICK_MS = 100;
/** A wake-up can be lost, so everybody looks by himself about every 2 s; spread, or 10,000 would look together. */
const LOOK_AGAIN_MS = 2_000;

interface Entry {
  readonly overAtMs: number;
  lookAtMs: number;
  readonly signal: (reason: WakeReason) => void;
}

/** @param random 0..1, spreads the looks. */
export function createTaskWaits(
  doneEvents: Pick<DoneEvents, "listen">,
  clock: Clock,
  random: () => number = Math.random,
): TaskWaits {
  const entries = new Set<Entry>();
  let timer: NodeJS.Timeout | undefined;
  let draining = false;
  const nextLookMs = (nowMs: number) => nowMs + LOOK_AGAIN_MS * (0.75 + random() / 2);
  const tick = () => {
    const nowMs = clock.monotonicMs();
    for (const entry of entries) {
      if (nowMs >= entry.overAtMs) entry.signal("over");
      else if (nowMs >= entry.lookAtMs) {
        entry.lookAtMs = nextLookMs(nowMs);
        entry.signal("look");
      }
    }
  };
  return {
    async start() {
      if (!draining) timer ??= setInterval(tick, TICK_MS);
    },
    async stop() {
      this.drain();
      clearInterval(timer);
    },
    open(runId, waitMs) {
      const nowMs = clock.monotonicMs();
      const wait = createWait(doneEvents, runId, () => entries.delete(entry));
      const entry = { overAtMs: nowMs + waitMs, lookAtMs: nextLookMs(nowMs), signal: wait.signal };
      entries.add(entry);
      if (draining) wait.signal("draining");
      return wait;
    },
    drain() {
      draining = true;
      for (const entry of entries) entry.signal("draining");
    },
    count: () => entries.size,
  };
}

function createWait(
  doneEvents: Pick<DoneEvents, "listen">,
  firstRunId: string,
  onClose: () => void,
): TaskWait & { readonly signal: (reason: WakeReason) => void } {
  let runId = firstRunId;
  let pending: WakeReason | undefined;
  let resolve: ((reason: WakeReason) => void) | undefined;
  const signal = (reason: WakeReason) => {
    // What ends a wait stays; a wake-up is used up by the next look.
    if (pending === undefined || pending === "look") pending = reason;
    if (!resolve) return;
    const tell = resolve;
    resolve = undefined;
    tell(take());
  };
  const take = (): WakeReason => {
    const reason = pending ?? "look";
    if (reason === "look") pending = undefined;
    return reason;
  };
  const look = () => signal("look");
  let unlisten = doneEvents.listen(runId, look);
  return {
    get runId() {
      return runId;
    },
    follow(otherRunId) {
      unlisten();
      runId = otherRunId;
      unlisten = doneEvents.listen(runId, look);
    },
    next: () => (pending === undefined ? new Promise<WakeReason>((tell) => (resolve = tell)) : Promise.resolve(take())),
    leave: () => signal("gone"),
    close() {
      unlisten();
      onClose();
    },
    signal,
  };
}
