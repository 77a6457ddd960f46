import type { Role } from "@sluice/stack";

import type { LinkFault } from "../proxy/link-fault.js";

/** Which links a TCP fault is done to: roles to Redis (on R and C: everybody to one server), workers to the oracle, clients to an api. */
export type LinkGroup = "redis" | "oracle" | "api";

/**
 * One thing that the nemesis does. `pick` chooses among what there is at that moment (modulo their number), so that a
 * schedule can be made before anything runs.
 */
export type Fault =
  | { readonly kind: "kill-role"; readonly role: Role; readonly pick: number; readonly downMs: number }
  /** SIGTERM, and SIGKILL when it has drained for `graceMs`: too short for what it has in its hands. */
  | { readonly kind: "cut-drain"; readonly role: Role; readonly pick: number; readonly graceMs: number }
  | { readonly kind: "pause-role"; readonly role: Role; readonly pick: number; readonly forMs: number }
  /** S: killed and started again. R, C: the master; it comes back once another has taken its place. */
  | { readonly kind: "kill-master"; readonly pick: number; readonly downMs: number }
  | { readonly kind: "kill-replica"; readonly pick: number; readonly downMs: number }
  | { readonly kind: "pause-redis"; readonly pick: number; readonly forMs: number }
  | { readonly kind: "kill-oracle"; readonly downMs: number }
  | { readonly kind: "pause-oracle"; readonly forMs: number }
  | { readonly kind: "client-kill"; readonly pick: number }
  | { readonly kind: "script-flush"; readonly pick: number }
  /** The groups of the ready streams are gone, as after a mistake of an administrator; the entries are still there. */
  | { readonly kind: "destroy-groups"; readonly pick: number }
  | { readonly kind: "memory-limit"; readonly pick: number; readonly forMs: number }
  | { readonly kind: "cluster-failover"; readonly pick: number }
  | { readonly kind: "migrate-slot"; readonly pick: number }
  /** C: the replica of a master dies, work goes on, the master dies too, and the replica comes back and takes its place. */
  | { readonly kind: "stale-failover"; readonly pick: number; readonly forMs: number }
  | {
      readonly kind: "link";
      readonly group: LinkGroup;
      readonly pick: number;
      readonly fault: LinkFault;
      readonly forMs: number;
    };

/** A step of a schedule. */
export interface ScheduledFault {
  /** After the step before was done. */
  readonly waitMs: number;
  readonly fault: Fault;
  /** Begun only when everything has healed, and nothing else follows for a while: its recovery can be measured. */
  readonly alone: boolean;
}

/** Faults that end a process by SIGKILL; a campaign is asked for by their number. */
export function isKill({ kind }: Fault): boolean {
  const kills: readonly Fault["kind"][] = ["kill-role", "cut-drain", "kill-master", "kill-replica", "kill-oracle"];
  return kills.includes(kind) || kind === "stale-failover";
}

/** `kill-role batcher`, `link redis cut-reply`: what a report calls it. */
export function faultName(fault: Fault): string {
  switch (fault.kind) {
    case "kill-role":
    case "cut-drain":
    case "pause-role":
      return `${fault.kind} ${fault.role}`;
    case "link":
      return `link ${fault.group} ${fault.fault.kind}`;
    default:
      return fault.kind;
  }
}
