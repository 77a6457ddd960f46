import type { World } from "../campaign/start-world.js";
import type { LoggedAnswer } from "../client/answer-log.js";
import type { LedgerEntry } from "../client/ledger.js";
import type { PlanTask } from "../client/plan-task.js";
import type { Clients } from "../client/run-clients.js";
import type { FleetMember } from "../roles/start-fleet.js";
import type { RedisNode } from "../topology/redis-node.js";

/** Where an outage is brought about while clients go on. What it shows and what is wrong are told to it. */
export interface Stage {
  readonly world: World;
  /** The clients that submit all the time. */
  readonly clients: Clients;
  /** What they were answered. */
  answers(): readonly LoggedAnswer[];
  /** More clients, who know these apis only. Their tasks are judged like all others. */
  clientsOf(apis: readonly FleetMember[], manners?: Manners): Clients;
  /** From now on the clients that submit all the time know these apis only. */
  useApis(apis: readonly FleetMember[]): void;
  /** From now on so many tasks are submitted each second; 0: none. */
  setLoad(perSecond: number): void;
  /** What these tasks were told is judged by the outage itself, in place of the common checks. */
  excuse(isExcused: (entry: LedgerEntry) => boolean): void;
  /** Resolves when the topology is whole again; false if it is not after 20 s. */
  whole(): Promise<boolean>;
  /** Something ran on a server that others believed to be dead, or a batch was cut off: what workers had may run again. */
  mayRepeat(what: string): void;
  /** From now on it counts how long these servers' shards take no work, and how long open tasks take. */
  measure(what: string, nodes: readonly RedisNode[]): Promise<void>;
  /** A figure for the report, or evidence that the outage happened. */
  show(line: string): void;
  /** A promise that was broken, or an outage that did not happen. */
  blame(line: string): void;
}

/** How clients behave. */
export interface Manners {
  /** What their tasks are. @defaultValue those of a campaign */
  readonly plan?: PlanTask | undefined;
  /** How many tasks are followed to their ends at once; the others are looked at later. @defaultValue all */
  readonly followed?: number;
}

/** Asks until it is so. @returns after how many ms; undefined if it is not after `limitMs`. Errors mean no. */
export async function untilTrue(isSo: () => Promise<boolean> | boolean, limitMs: number): Promise<number | undefined> {
  const startMs = Date.now();
  for (;;) {
    if (await Promise.resolve(isSo()).catch(() => false)) return Date.now() - startMs;
    if (Date.now() - startMs > limitMs) return undefined;
    await pause(50);
  }
}

/** ms. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
