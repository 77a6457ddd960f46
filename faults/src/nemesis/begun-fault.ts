import type { Oracle } from "../oracle/start-oracle.js";
import type { Fleet } from "../roles/start-fleet.js";
import type { Topology } from "../topology/topology.js";

/** Everything that faults can be done to. */
export interface FaultTargets {
  readonly topology: Topology;
  readonly fleet: Fleet;
  readonly oracle: Oracle;
  /** Resolves when the topology is whole again; gives up after a while, without an error. */
  whole(): Promise<boolean>;
}

/** A fault that has begun. */
export interface BegunFault {
  readonly atMs: number;
  readonly target: string | undefined;
  readonly skipped: string | undefined;
  readonly shards: readonly number[];
  /** Waits as long as the fault lasts, ends it, and resolves when what it hit is back. */
  heal(): Promise<void>;
}

/** The one that `pick` says, or the next that nothing is done to; it is busy from now on. */
export function choose<T extends { readonly name: string }>(
  all: readonly T[],
  pick: number,
  busy: Set<string>,
): T | undefined {
  for (let index = 0; index < all.length; index++) {
    const one = all[(pick + index) % all.length];
    if (one === undefined || busy.has(one.name)) continue;
    busy.add(one.name);
    return one;
  }
  return undefined;
}

/** A fault that could not be done. */
export function skip(reason: string): BegunFault {
  return { atMs: Date.now(), target: undefined, skipped: reason, shards: [], heal: async () => undefined };
}
