import type { Fault, ScheduledFault } from "../schedule/fault.js";
import { faultName, isKill } from "../schedule/fault.js";
import type { FaultTargets } from "./begun-fault.js";
import { injectFault } from "./inject-fault.js";

/** A fault that was done, or why it was not. Times are wall clock, ms. */
export interface InjectedFault {
  readonly name: string;
  readonly fault: Fault;
  readonly alone: boolean;
  readonly atMs: number;
  /** Who it was done to; undefined if it was skipped. */
  readonly target: string | undefined;
  readonly skipped: string | undefined;
  /** When it was over, for a kill: when the process was back. */
  healedMs: number | undefined;
  /** For a master: the shards that it held. */
  readonly shards: readonly number[];
}

/** Does the faults of a schedule one after the other. */
export interface Nemesis {
  readonly injected: readonly InjectedFault[];
  /** Does kills that had to be skipped at the end. Resolves when the last one was begun. */
  run(schedule: readonly ScheduledFault[]): Promise<void>;
  /** Lets everything that is under way heal, and resolves when it has. */
  heal(): Promise<void>;
}

/** How often a kill is tried: whoever was to be killed may be down already, or gone before. */
const ROUNDS = 4;

/** @param targets what faults are done to. */
export function createNemesis(targets: FaultTargets): Nemesis {
  const injected: InjectedFault[] = [];
  const healing = new Set<Promise<void>>();
  const busy = new Set<string>();

  const healed = async (): Promise<void> => {
    while (healing.size > 0) await Promise.all(healing);
  };
  /** @returns whether it was done. */
  const step = async ({ waitMs, fault, alone }: ScheduledFault): Promise<boolean> => {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (alone) {
      await healed();
      await targets.whole();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
    const done = await injectFault(fault, targets, busy);
    const entry: InjectedFault = {
      name: faultName(fault),
      fault,
      alone,
      atMs: done.atMs,
      target: done.target,
      skipped: done.skipped,
      healedMs: undefined,
      shards: done.shards,
    };
    injected.push(entry);
    const heal = done.heal().then(() => {
      entry.healedMs = Date.now();
      if (done.target !== undefined) busy.delete(done.target);
    });
    const tracked = heal.finally(() => healing.delete(tracked));
    healing.add(tracked);
    return done.skipped === undefined;
  };
  return {
    injected,
    async run(schedule) {
      let missed: readonly ScheduledFault[] = schedule;
      for (let round = 0; round < ROUNDS && missed.length > 0; round++) {
        const skipped: ScheduledFault[] = [];
        for (const one of missed) {
          if (!(await step(one)) && isKill(one.fault)) skipped.push(again(one));
        }
        missed = skipped;
      }
    },
    heal: healed,
  };
}

/** With time for whoever is down to come back; a drain that ended too soon is cut at its beginning. */
function again({ fault }: ScheduledFault): ScheduledFault {
  return { waitMs: 3_000, alone: false, fault: fault.kind === "cut-drain" ? { ...fault, graceMs: 0 } : fault };
}
