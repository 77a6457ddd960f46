import type { Role } from "@sluice/stack";

/**
 * When an effect of a process happens: before it was ready for the first time, while it works, or after SIGTERM.
 */
export const PHASES = ["start", "work", "drain"] as const;

/** One of them. */
export type Phase = (typeof PHASES)[number];

/**
 * A place between two effects of a role: `ROLE:before:EFFECT`, where the effect has not left the process, or
 * `ROLE:after:EFFECT`, where its reply has arrived and nobody has seen it.
 */
export type Point = `${Role}:${"before" | "after"}:${string}`;

/**
 * What happens at a point: SIGKILL; or SIGSTOP, until somebody sends SIGCONT.
 */
export type FailpointAction = "kill" | "freeze";

/** One try of one point. */
export interface Trial {
  /** Unlike any other's. */
  readonly id: string;
  readonly point: Point;
  readonly phase: Phase;
  /** At which hit since it was armed; 1 is the first. */
  readonly nth: number;
  readonly action: FailpointAction;
}

/** What the harness writes for a process: the trials that count now. */
export interface Arming {
  /** Grows with each. */
  readonly serial: number;
  readonly trials: readonly Trial[];
}

/** How often each `PHASE POINT` was hit. */
export type HitCounts = Readonly<Record<string, number>>;

/** What a process tells the harness, a line of JSON each. `atMs` is wall clock. */
export type AgentEvent =
  | { readonly kind: "begun"; readonly pid: number; readonly atMs: number }
  | { readonly kind: "armed"; readonly pid: number; readonly serial: number }
  | { readonly kind: "hits"; readonly pid: number; readonly counts: HitCounts }
  | { readonly kind: "reached"; readonly pid: number; readonly atMs: number; readonly trial: Trial };

/** The role of a point. */
export function roleOf(point: Point): Role {
  return point.slice(0, point.indexOf(":")) as Role;
}

/** The variable that tells a process where its arming lies and its events go. */
export const FAILPOINTS_VARIABLE = "SLUICE_FAILPOINTS";
/** Files of that folder. */
export const ARMING_FILE = "arming.json";
export const EVENTS_FILE = "events.jsonl";
