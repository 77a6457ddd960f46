import type { BenchResult, DirectRun, LoadRun } from "../bench-result.js";

/** Full batches straight to Triton with two in flight: what keeps one model busy. */
export function directFloor(result: BenchResult): DirectRun | undefined {
  return result.triton?.find(({ inFlight }) => inFlight === 2);
}

/** The hono route with 256 clients, flat out. */
export function flatOutHttpFloor(result: BenchResult): LoadRun | undefined {
  return result.http?.flatOut.find(({ pace }) => pace.kind === "closed" && pace.clients === 256);
}

/** The hono route with 256 clients, at the pace of batches. */
export function pacedHttpFloor(result: BenchResult): LoadRun | undefined {
  return result.http?.paced[0];
}

/** sharp alone at its best. */
export function sharpFloor(result: BenchResult): DirectRun | undefined {
  const runs = result.pictures?.sharp ?? [];
  return runs.reduce<DirectRun | undefined>((best, run) => (best && best.perS >= run.perS ? best : run), undefined);
}

/** `value / floor`; undefined if either is not known. */
export function ratio(value: number | undefined, floor: number | undefined): number | undefined {
  return value === undefined || floor === undefined ? undefined : value / floor;
}
