import { type HitCounts, type Phase, type Point, roleOf } from "./failpoint.js";
import type { TracedPoint } from "./plan-trials.js";

/** What the processes of one role were watched for. */
export interface Watched {
  readonly starts: number;
  /** Of all its processes together. */
  readonly workSeconds: number;
  readonly drains: number;
}

/** The points of all roles, by name, with how often one process hits each. @param counts by `PHASE POINT`. */
export function tracedPoints(
  counts: HitCounts,
  watched: Readonly<Record<ReturnType<typeof roleOf>, Watched>>,
): TracedPoint[] {
  const hits = (phase: Phase, point: Point): number => counts[`${phase} ${point}`] ?? 0;
  return pointsOf(counts).map((point) => {
    const { starts, workSeconds, drains } = watched[roleOf(point)];
    return {
      point,
      perSecond: hits("work", point) / Math.max(1, workSeconds),
      perStart: hits("start", point) / Math.max(1, starts),
      perDrain: hits("drain", point) / Math.max(1, drains),
    };
  });
}

/** All points that were hit, in order. */
export function pointsOf(counts: HitCounts): Point[] {
  return [...new Set(Object.keys(counts).map((key) => key.slice(key.indexOf(" ") + 1) as Point))].sort();
}

/** Adds `more` to `counts`. */
export function addHits(counts: Record<string, number>, more: HitCounts): void {
  for (const [key, count] of Object.entries(more)) counts[key] = (counts[key] ?? 0) + count;
}
