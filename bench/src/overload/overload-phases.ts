import { poissonSchedule } from "../load/poisson-schedule.js";
import type { Random } from "../load/random.js";

/** What a stretch of time is for: only the last three are measured. */
export type PhaseName = "warm-up" | "before" | "overload" | "after";

/** A stretch of time with one rate. */
export interface OverloadPhase {
  readonly name: PhaseName;
  readonly ratePerS: number;
  readonly durationMs: number;
}

/** From where to where, milliseconds since the first phase began. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When each task of all phases, one after the other, arrives: milliseconds since the first began (Poisson). */
export function scheduleOf(phases: readonly OverloadPhase[], random: Random): number[] {
  const arrivals: number[] = [];
  let startMs = 0;
  for (const phase of phases) {
    for (const dueMs of poissonSchedule(phase, random)) arrivals.push(startMs + dueMs);
    startMs += phase.durationMs;
  }
  return arrivals;
}

/** The time of all phases of a name, which follow each other. @throws RangeError if there is none */
export function spanOf(phases: readonly OverloadPhase[], name: PhaseName): Span {
  const first = phases.findIndex((phase) => phase.name === name);
  const last = phases.findLastIndex((phase) => phase.name === name);
  if (first === -1) throw new RangeError(`there is no phase ${name}`);
  return { fromMs: durationOf(phases.slice(0, first)), toMs: durationOf(phases.slice(0, last + 1)) };
}

/** How long all of them take, milliseconds. */
export function durationOf(phases: readonly OverloadPhase[]): number {
  return phases.reduce((sum, { durationMs }) => sum + durationMs, 0);
}

/** A part of a span: from `fromMs` after its beginning, at most `lengthMs` long. */
export function partOf({ fromMs, toMs }: Span, offsetMs: number, lengthMs = Infinity): Span {
  return { fromMs: fromMs + offsetMs, toMs: Math.min(toMs, fromMs + offsetMs + lengthMs) };
}
