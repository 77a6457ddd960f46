import type { ProcessExit } from "@sluice/stack";

import type { FleetMember } from "../roles/start-fleet.js";
import type { ControlFolder } from "./control-folder.js";
import type { AgentEvent, HitCounts, Trial } from "./failpoint.js";
import { addHits } from "./traced-points.js";
import type { TrialBook } from "./trial-book.js";

/** A trial whose point was reached: there and then the process was killed or stopped. */
export interface ReachedPoint {
  readonly trial: Trial;
  readonly member: string;
  /** Wall clock, ms. */
  readonly atMs: number;
}

/** Leads one process from trial to trial. */
export interface Conductor {
  readonly member: FleetMember;
  /** What was hit since it was started, whether or not it was armed. */
  readonly hits: HitCounts;
  readonly starts: () => number;
  /** Looks at what happened and does what is due; call it every few ms. */
  tick(): void;
  /** From now on it gives out the trials of this book; of none if undefined. */
  follow(book: TrialBook | undefined): void;
  /** Whether an exit that nobody asked for was that of a trial. Call it at once when it happens. */
  wasPlanned(): boolean;
  /** SIGTERM, waiting for `trial` if there is one, and starting again. Resolves when it is ready. */
  drain(trial?: Trial): Promise<void>;
  /** SIGKILL and starting again. */
  kill(): Promise<void>;
  /** It has a trial of its own, or is stopped. */
  isOnTrial(): boolean;
  /** It runs, and nothing is armed but what waits beside others. */
  isIdle(): boolean;
}

/** What happens beside the trials themselves. */
export interface ConductorEvents {
  readonly reached: (point: ReachedPoint) => void;
  /** Killed although no trial was reached. */
  readonly killed: (member: FleetMember, atMs: number) => void;
  readonly blame: (line: string) => void;
}

/** Longer than the leases of a shard (5 s), of a slot (3 s) and of a run (what the sweep sets). */
export const FREEZE_MS = 6_500;
/** A trial gets so long, three times. */
const WAIT_MS = 6_000;
/** Beyond the longest drain, with a freeze in it. */
const GRACE_MS = 25_000;
const SEE_MS = 2_000;

interface InHand {
  readonly trial: Trial;
  /** How long the process has worked since it was armed. */
  workedMs: number;
}

export function createConductor(member: FleetMember, control: ControlFolder, events: ConductorEvents): Conductor {
  return new MemberConductor(member, control, events);
}

class MemberConductor implements Conductor {
  readonly member: FleetMember;
  readonly hits: Record<string, number> = {};
  readonly #control: ControlFolder;
  readonly #events: ConductorEvents;
  #starts = 0;
  #book: TrialBook | undefined;
  #atWork: InHand | undefined;
  #atStart: Trial | undefined;
  /** What was armed for a start when the last start began. */
  #tried: Trial | undefined;
  #atDrain: Trial | undefined;
  #rareVersion = -1;
  #seenSerial = 0;
  #frozen: { readonly pid: number; readonly untilMs: number } | undefined;
  /** All that trials did, and those whose exits were not seen yet. */
  #kills = 0;
  #killsDue = 0;
  #busy = false;
  #tickedMs = performance.now();

  constructor(member: FleetMember, control: ControlFolder, events: ConductorEvents) {
    this.member = member;
    this.#control = control;
    this.#events = events;
  }

  starts = (): number => this.#starts;

  follow(book: TrialBook | undefined): void {
    this.#book = book;
    this.#atWork = this.#atStart = undefined;
    this.#arm();
  }

  tick(): void {
    const sinceMs = performance.now() - this.#tickedMs;
    this.#tickedMs += sinceMs;
    this.#absorb();
    if (this.#frozen) {
      if (Date.now() < this.#frozen.untilMs) return;
      this.#thaw(this.#frozen.pid);
    }
    // A process that is just dying still seems to run.
    if (this.#busy || this.#killsDue > 0 || !this.member.isRunning() || this.#book === undefined) return;
    if (this.#atStart && this.#atStart === this.#tried) {
      this.#book.giveBack(this.#atStart);
      this.#atStart = undefined;
    }
    if (this.#atWork) {
      this.#atWork.workedMs += sinceMs;
      if (this.#atWork.workedMs > WAIT_MS) {
        this.#book.giveBack(this.#atWork.trial);
        this.#atWork = undefined;
      }
    }
    if (this.#atWork === undefined) this.#begin(this.#book);
    else if (this.#book.version() !== this.#rareVersion) this.#arm();
  }

  /** Takes the next trial: at work, else in a drain, else at a start. */
  #begin(book: TrialBook): void {
    const drainFirst = book.waiting("drain") > 0 && this.#starts % 4 === 0;
    const trial = drainFirst ? undefined : book.take("work");
    this.#atWork = trial && { trial, workedMs: 0 };
    if (this.#atWork) return void this.#arm();
    const drain = book.take("drain");
    if (drain) return this.#run(this.drain(drain));
    if (this.#atStart !== undefined || book.waiting("start") > 0) return this.#run(this.kill());
    if (book.version() !== this.#rareVersion) this.#arm();
  }

  #run(work: Promise<void>): void {
    work.catch((error: unknown) => this.#events.blame(`crash: ${this.member.name}: ${String(error)}`));
  }

  wasPlanned(): boolean {
    this.#absorb();
    const planned = this.#killsDue > 0;
    this.#killsDue = 0;
    this.#arm();
    return planned;
  }

  async drain(trial?: Trial): Promise<void> {
    this.#busy = true;
    const killsBefore = this.#kills;
    try {
      this.#atDrain = trial;
      await this.#untilSeen(this.#arm());
      const exit = await this.member.terminate(GRACE_MS);
      this.#absorb();
      if (this.#kills === killsBefore) this.#judgeDrain(exit);
      this.#killsDue = 0;
      if (trial && this.#atDrain) this.#book?.giveBack(trial);
      this.#atDrain = undefined;
      this.#arm();
      await this.member.restart();
    } finally {
      this.#busy = false;
    }
  }

  #judgeDrain({ signal, code }: ProcessExit): void {
    const { name } = this.member;
    if (signal !== null) this.#events.blame(`crash: ${name} was ended by ${signal}, ${GRACE_MS} ms after SIGTERM`);
    else if (code !== 0) this.#events.blame(`crash: ${name} ended with ${code} after SIGTERM`);
  }

  async kill(): Promise<void> {
    this.#busy = true;
    try {
      this.#arm();
      this.#events.killed(this.member, Date.now());
      await this.member.kill();
      this.#absorb();
      this.#killsDue = 0;
      await this.member.restart();
    } finally {
      this.#busy = false;
    }
  }

  isOnTrial(): boolean {
    return (this.#atWork ?? this.#atStart ?? this.#atDrain ?? this.#frozen) !== undefined;
  }

  isIdle(): boolean {
    return !this.#busy && this.#killsDue === 0 && !this.isOnTrial() && this.member.isRunning();
  }

  /** @returns the serial of what is armed now. */
  #arm(): number {
    const book = this.#book;
    if (book === undefined) return this.#control.arm([]);
    this.#atStart ??= book.take("start");
    this.#rareVersion = book.version();
    const own = [this.#atWork?.trial, this.#atStart, this.#atDrain];
    return this.#control.arm([...own.filter((trial) => trial !== undefined), ...book.seldom()]);
  }

  async #untilSeen(serial: number): Promise<void> {
    for (const deadlineMs = performance.now() + SEE_MS; performance.now() < deadlineMs;) {
      this.#absorb();
      if (this.#seenSerial >= serial || !this.member.isRunning()) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #absorb(): void {
    for (const event of this.#control.takeEvents()) {
      if (event.kind === "begun") this.#begun();
      else if (event.kind === "armed") this.#seenSerial = event.serial;
      else if (event.kind === "hits") addHits(this.hits, event.counts);
      else this.#reach(event);
    }
  }

  #begun(): void {
    this.#starts++;
    this.#tried = this.#atStart;
  }

  #reach({ trial, pid, atMs }: Extract<AgentEvent, { kind: "reached" }>): void {
    if (trial.action === "freeze") this.#frozen = { pid, untilMs: atMs + FREEZE_MS };
    else {
      this.#kills++;
      this.#killsDue++;
    }
    this.#book?.reached(trial);
    if (this.#atWork?.trial.id === trial.id) this.#atWork = undefined;
    if (this.#atStart?.id === trial.id) this.#atStart = undefined;
    if (this.#atDrain?.id === trial.id) this.#atDrain = undefined;
    this.#events.reached({ trial, member: this.member.name, atMs });
  }

  /** By its id: while it starts, its place still names the process before it. */
  #thaw(pid: number): void {
    this.#frozen = undefined;
    try {
      process.kill(pid, "SIGCONT");
    } catch {
      // Something has killed it in the meantime.
    }
  }
}
