import type { CarriedResult, Clock, DoneEvents, Service, Wake } from "@sluice/broker";
import type { WaitsByOwner } from "./waits-by-owner.js";

/**
 * Why a wait came to a pause: there may be something new to read, its time is over, the client is gone, or this
 * process is stopping. Only after "look" does it make sense to go on.
 */
export type WakeReason = "look" | "over" | "gone" | "draining";

/** One caller who waits for one run. */
export interface TaskWait {
  /** Whose wake-ups are heard. */
  readonly runId: string;
  /** The result of this run, if it came with a wake-up. */
  readonly result: CarriedResult | undefined;
  /** Hears another run from now on: the task turned out to be on that one. */
  follow(runId: string): void;
  /** Resolves at the next wake-up; at once if there was one since the last call. */
  next(): Promise<WakeReason>;
  /** What `work` comes to, or undefined if that takes until after the end of the wait. */
  unlessEnded<Result>(work: Promise<Result>): Promise<Result | undefined>;
  /** The client went away. */
  readonly leave: () => void;
  /** Always call it at the end, or the wait is kept. */
  close(): void;
}

/** All callers who wait. */
export interface TaskWaits extends Service {
  /**
   * From now on wake-ups of the run are heard. Open first, then admit or read: nothing is missed then.
   * @param owner who waits. @throws BrokerError too-many-waiters
   */
  open(runId: string, waitMs: number, owner?: string): TaskWait;
  /** Ends all waits, and every later one at once. */
  drain(): void;
  readonly count: () => number;
}

/** One timer looks after all waits: two timers for each would cost more than the waits themselves. */
const TICK_MS = 100;
/** A wake-up can be lost, so everybody looks by himself about every 2 s; spread, or 10,000 would look together. */
const LOOK_AGAIN_MS = 2_000;
/** What is being read when a wait ends may still be the result; Redis that says nothing for so long is not waited for. */
const AFTER_END_MS = 500;

/** What waits may be changed by; for tests, or by operators. */
export interface TaskWaitsOptions {
  /** 0..1, spreads the looks. */
  readonly random?: () => number;
  readonly byOwner?: WaitsByOwner;
}

/** The waits of one api. */
export function createTaskWaits(
  doneEvents: Pick<DoneEvents, "listen">,
  clock: Clock,
  { random = Math.random, byOwner }: TaskWaitsOptions = {},
): TaskWaits {
  const waits = new Set<Wait>();
  let timer: NodeJS.Timeout | undefined;
  let draining = false;
  const nextLookMs = (nowMs: number) => nowMs + LOOK_AGAIN_MS * (0.75 + random() / 2);
  const tick = () => {
    const nowMs = clock.monotonicMs();
    for (const wait of waits) {
      if (nowMs >= wait.overAtMs) wait.signal("over");
      else if (nowMs >= wait.lookAtMs) {
        wait.lookAtMs = nextLookMs(nowMs);
        wait.signal("look");
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
    open(runId, waitMs, owner = "") {
      byOwner?.enter(owner);
      const nowMs = clock.monotonicMs();
      const left = byOwner ? () => byOwner.leave(owner) : undefined;
      const wait = new Wait(runId, { doneEvents, waits, left, overAtMs: nowMs + waitMs, lookAtMs: nextLookMs(nowMs) });
      if (draining) wait.signal("draining");
      return wait;
    },
    drain() {
      draining = true;
      for (const wait of waits) wait.signal("draining");
    },
    count: () => waits.size,
  };
}

/** A class, for there is one for each request that waits: its methods are made once. */
class Wait implements TaskWait {
  readonly overAtMs: number;
  lookAtMs: number;
  readonly #doneEvents: Pick<DoneEvents, "listen">;
  readonly #waits: Set<Wait>;
  readonly #left: (() => void) | undefined;
  readonly #wake: Wake = (result) => {
    this.#result ??= result;
    this.signal("look");
  };
  #runId: string;
  #result: CarriedResult | undefined;
  #unlisten: () => void;
  #pending: WakeReason | undefined;
  #resolve: ((reason: WakeReason) => void) | undefined;
  /** Called when the wait has ended. */
  #end: (() => void) | undefined;
  #ended: Promise<void> | undefined;

  constructor(
    runId: string,
    options: {
      doneEvents: Pick<DoneEvents, "listen">;
      waits: Set<Wait>;
      left: (() => void) | undefined;
      overAtMs: number;
      lookAtMs: number;
    },
  ) {
    this.overAtMs = options.overAtMs;
    this.lookAtMs = options.lookAtMs;
    this.#doneEvents = options.doneEvents;
    this.#waits = options.waits.add(this);
    this.#left = options.left;
    this.#runId = runId;
    this.#unlisten = this.#doneEvents.listen(runId, this.#wake);
  }

  get runId(): string {
    return this.#runId;
  }

  get result(): CarriedResult | undefined {
    return this.#result;
  }

  readonly leave = () => this.signal("gone");

  follow(runId: string): void {
    this.#unlisten();
    this.#result = undefined;
    this.#runId = runId;
    this.#unlisten = this.#doneEvents.listen(runId, this.#wake);
  }

  next(): Promise<WakeReason> {
    return this.#pending === undefined
      ? new Promise((resolve) => (this.#resolve = resolve))
      : Promise.resolve(this.#take());
  }

  async unlessEnded<Result>(work: Promise<Result>): Promise<Result | undefined> {
    this.#ended ??= new Promise<void>((resolve) => (this.#end = resolve)).then(afterEnd);
    if (this.#pending !== undefined && this.#pending !== "look") this.#end?.();
    return await Promise.race([work, this.#ended.then(() => undefined)]);
  }

  close(): void {
    this.#unlisten();
    if (this.#waits.delete(this)) this.#left?.();
  }

  signal(reason: WakeReason): void {
    // What ends a wait stays; a wake-up is used up by the next look.
    if (this.#pending === undefined || this.#pending === "look") this.#pending = reason;
    if (reason !== "look") this.#end?.();
    if (!this.#resolve) return;
    const tell = this.#resolve;
    this.#resolve = undefined;
    tell(this.#take());
  }

  #take(): WakeReason {
    const reason = this.#pending ?? "look";
    if (reason === "look") this.#pending = undefined;
    return reason;
  }
}

const afterEnd = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, AFTER_END_MS));
