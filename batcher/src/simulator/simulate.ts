import type { BatchClass, BatchReason } from "@sluice/broker";

import { chooseBatch } from "../choose-batch.js";
import { LaneQueue } from "../lane-queue.js";
import type { LaneView } from "../decide.js";
import { createTally, type Outcome, type Tally } from "./tally.js";
import type { PolicyMaker, QueueState, SimulatedPolicy } from "./simulated-policy.js";

/** A task as the workload makes it. Times are milliseconds from the start. */
export interface SimulatedTask {
  readonly arrivedMs: number;
  /** Infinity: none. */
  readonly deadlineMs: number;
  readonly batchClass: BatchClass;
  /** Equal inputs have equal digests; undefined: like no other. */
  readonly digest: number | undefined;
  /** It is canceled then, if it has not ended; undefined: never. */
  readonly cancelMs: number | undefined;
}

/** What is simulated: one model on some equal servers, and one batcher. */
export interface Simulation {
  readonly tasks: Iterator<SimulatedTask>;
  /** No task arrives later; what is there then still runs. */
  readonly endMs: number;
  /** Tasks that arrive earlier are not counted: nothing has been learned yet. */
  readonly countFromMs: number;
  readonly servers: number;
  /** Service time of a batch that starts now. */
  serviceMs(size: number, nowMs: number): number;
  readonly policy: PolicyMaker;
}

/** One run and the tasks that wait for it. */
interface Run {
  /** With the latest deadline of its tasks, as far as the batcher knows it. */
  ref: { readonly cost: 1; readonly admittedMs: number; readonly deadlineMs: number };
  readonly arrivedMs: number;
  readonly digest: number | undefined;
  tasks: SimulatedTask[];
}

interface Lane {
  readonly batchClass: BatchClass;
  readonly queue: LaneQueue<Run>;
  readonly policy: SimulatedPolicy;
}

interface RunningBatch {
  readonly endMs: number;
  readonly lane: Lane;
  readonly startMs: number;
  readonly runs: readonly Run[];
}

/** Runs it to its end on a virtual clock: every decision is the product's, no time passes outside. */
export function simulate(simulation: Simulation): Outcome {
  return new SimulationRun(simulation).run();
}

class SimulationRun {
  readonly #simulation: Simulation;
  readonly #tally: Tally;
  readonly #lanes: Readonly<Record<BatchClass, Lane>>;
  readonly #openRuns = new Map<number, Run>();
  readonly #cancels: { readonly atMs: number; readonly run: Run; readonly task: SimulatedTask }[] = [];
  #running: RunningBatch[] = [];
  #next: SimulatedTask | undefined;
  #timerMs = Infinity;
  /** Since when a server is free; Infinity while none is. */
  #freeSinceMs = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#tally = createTally(simulation);
    const createLane = (batchClass: BatchClass): Lane => ({
      batchClass,
      queue: new LaneQueue<Run>({ lane: batchClass, signature: "", solo: false }),
      policy: simulation.policy.create(batchClass),
    });
    this.#lanes = { now: createLane("now"), bulk: createLane("bulk") };
    this.#next = this.#draw();
  }

  run(): Outcome {
    for (;;) {
      const arrivalMs = this.#next?.arrivedMs ?? Infinity;
      const endMs = this.#running[0]?.endMs ?? Infinity;
      const cancelMs = this.#cancels[0]?.atMs ?? Infinity;
      const nowMs = Math.min(arrivalMs, endMs, cancelMs, this.#timerMs);
      if (nowMs === Infinity) return this.#tally.outcome();
      if (nowMs === endMs) this.#endBatch(nowMs);
      else if (nowMs === arrivalMs) this.#arrive(nowMs);
      else if (nowMs === cancelMs) this.#cancel(nowMs);
      this.#dispatch(nowMs);
    }
  }

  #draw(): SimulatedTask | undefined {
    const { value } = this.#simulation.tasks.next() as { value: SimulatedTask | undefined };
    return value && value.arrivedMs < this.#simulation.endMs ? value : undefined;
  }

  #arrive(nowMs: number): void {
    const task = this.#next;
    if (!task) return;
    this.#next = this.#draw();
    this.#tally.arrived(task);
    const twin = task.digest === undefined ? undefined : this.#openRuns.get(task.digest);
    if (twin) {
      twin.tasks.push(task);
      this.#scheduleCancel(twin, task);
      return;
    }
    const lane = this.#lanes[task.batchClass];
    const { deadlineMs, digest } = task;
    const run: Run = { ref: { cost: 1, admittedMs: nowMs, deadlineMs }, arrivedMs: nowMs, digest, tasks: [task] };
    if (digest !== undefined) this.#openRuns.set(digest, run);
    lane.queue.add(run);
    lane.policy.arrived(nowMs);
    this.#scheduleCancel(run, task);
  }

  #scheduleCancel(run: Run, task: SimulatedTask): void {
    const { cancelMs } = task;
    if (cancelMs === undefined) return;
    const index = this.#cancels.findLastIndex(({ atMs }) => atMs <= cancelMs);
    this.#cancels.splice(index + 1, 0, { atMs: cancelMs, run, task });
  }

  #cancel(nowMs: number): void {
    const canceled = this.#cancels.shift();
    if (!canceled) return;
    const { run, task } = canceled;
    const index = run.tasks.indexOf(task);
    if (index === -1) return;
    run.tasks.splice(index, 1);
    this.#tally.ended(task, "canceled", nowMs);
    if (run.tasks.length > 0) return;
    // If it is on a server already, it is done for nothing.
    for (const { queue } of Object.values(this.#lanes)) queue.removeWhere((waiting) => waiting === run);
    this.#close(run);
  }

  #dispatch(nowMs: number): void {
    for (;;) {
      this.#giveUp(this.#lanes.now, nowMs);
      this.#giveUp(this.#lanes.bulk, nowMs);
      // No rule can do anything but wait then: most arrivals of a busy server are done with here.
      if (this.#freeServers() === 0) {
        this.#timerMs = Infinity;
        return;
      }
      const candidates = this.#candidates();
      const choice = chooseBatch(candidates, nowMs, ({ lane, view }) => lane.policy.decide(view, nowMs));
      if (choice.kind === "wait") {
        // A timer that rounding leaves just before its time must not come again at the same moment.
        this.#timerMs = Math.max(choice.untilMs, nowMs + 1e-6);
        return;
      }
      this.#start(choice.candidate.lane, choice.decision, nowMs);
    }
  }

  #candidates(): { readonly lane: Lane; readonly view: LaneView; readonly heldUntilMs: number }[] {
    const { now, bulk } = this.#lanes;
    const waiting = bulk.queue.count === 0 ? [now] : [now, bulk];
    return waiting
      .filter(({ queue }) => queue.count > 0)
      .map((lane) => ({ lane, view: lane.policy.view(this.#stateOf(lane)), heldUntilMs: -Infinity }));
  }

  #giveUp(lane: Lane, nowMs: number): void {
    if (lane.queue.earliestDeadlineMs === Infinity) return;
    const hopelessBeforeMs = lane.policy.hopelessBeforeMs(this.#stateOf(lane), nowMs);
    for (const run of lane.queue.takeLate(hopelessBeforeMs)) {
      const late = run.tasks.filter(({ deadlineMs }) => deadlineMs < hopelessBeforeMs);
      for (const task of late) this.#tally.ended(task, "expired", nowMs);
      run.tasks = run.tasks.filter((task) => !late.includes(task));
      if (run.tasks.length === 0) this.#close(run);
      else {
        // A twin has longer to live.
        run.ref = { ...run.ref, deadlineMs: Math.max(...run.tasks.map(({ deadlineMs }) => deadlineMs)) };
        lane.queue.add(run);
      }
    }
  }

  #start(lane: Lane, { size, reason }: { readonly size: number; readonly reason: BatchReason }, nowMs: number): void {
    const waitMs = nowMs - Math.max(lane.queue.oldestArrivedMs, this.#freeSinceMs);
    const fullSize = lane.policy.fullSize();
    const runs = lane.queue.take(size);
    const { bulk } = this.#lanes;
    if (lane !== bulk && runs.length < fullSize && bulk.queue.count > 0)
      runs.push(...bulk.queue.take(fullSize - runs.length));
    const serviceMs = this.#simulation.serviceMs(runs.length, nowMs);
    const batch = { startMs: nowMs, endMs: nowMs + serviceMs, lane, runs };
    this.#running.push(batch);
    this.#running.sort((a, b) => a.endMs - b.endMs);
    if (this.#freeServers() === 0) this.#freeSinceMs = Infinity;
    this.#tally.started({ size: runs.length, reason, serviceMs, waitMs, nowMs });
  }

  #endBatch(nowMs: number): void {
    const batch = this.#running.shift();
    if (!batch) return;
    if (this.#freeSinceMs === Infinity) this.#freeSinceMs = nowMs;
    for (const { policy } of Object.values(this.#lanes)) policy.settled(batch.runs.length, nowMs - batch.startMs);
    for (const run of batch.runs) {
      for (const task of run.tasks) this.#tally.ended(task, nowMs <= task.deadlineMs ? "done" : "late", nowMs);
      run.tasks = [];
      this.#close(run);
    }
  }

  #close(run: Run): void {
    if (run.digest !== undefined && this.#openRuns.get(run.digest) === run) this.#openRuns.delete(run.digest);
  }

  #freeServers(): number {
    return this.#simulation.servers - this.#running.length;
  }

  #stateOf({ batchClass, queue }: Lane): QueueState {
    const { count, oldestArrivedMs, earliestDeadlineMs } = queue;
    const freeServers = this.#freeServers();
    return { batchClass, count, oldestArrivedMs, earliestDeadlineMs, freeServers, servers: this.#simulation.servers };
  }
}
