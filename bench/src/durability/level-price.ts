import { median } from "../measure/percentile.js";
import { BASE_LEVEL } from "./durability-level.js";
import type { LevelRun } from "./measure-rounds.js";

/** Throughput and latency, or what they are of those of level `memory`. */
export interface AdmissionFigures {
  readonly perS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a level costs with so many admissions under way. */
export interface LevelPrice {
  readonly level: string;
  readonly inFlight: number;
  /** Median of the rounds; undefined if the server does not know this level. */
  readonly figures: AdmissionFigures | undefined;
  /** Each round set against level `memory` in the same round, and the median of that. */
  readonly ofMemory: AdmissionFigures | undefined;
  /** In all rounds, admissions that nobody confirmed in time. */
  readonly unconfirmed: number;
}

/** The price of each level, in the order of `inFlight` and then of `levels`. */
export function pricesOf(
  runs: readonly LevelRun[],
  levels: readonly string[],
  inFlight: readonly number[],
): LevelPrice[] {
  return inFlight.flatMap((count) => {
    const roundsOf = (level: string) => runs.filter((run) => run.level === level && run.inFlight === count);
    const base = new Map(roundsOf(BASE_LEVEL).map((run) => [run.round, run]));
    return levels.map((level) => {
      const rounds = roundsOf(level);
      const ratios = rounds.flatMap((run) => divide(run, base.get(run.round)));
      return {
        level,
        inFlight: count,
        figures: medians(rounds),
        ofMemory: medians(ratios),
        unconfirmed: countUnconfirmed(rounds),
      };
    });
  });
}

function countUnconfirmed(rounds: readonly LevelRun[]): number {
  return rounds.reduce((sum, { unconfirmed }) => sum + unconfirmed, 0);
}

function divide(run: LevelRun, base: LevelRun | undefined): AdmissionFigures[] {
  if (!base) return [];
  return [{ perS: run.perS / base.perS, p50Ms: run.p50Ms / base.p50Ms, p99Ms: run.p99Ms / base.p99Ms }];
}

function medians(rounds: readonly AdmissionFigures[]): AdmissionFigures | undefined {
  if (rounds.length === 0) return undefined;
  const of = (figure: keyof AdmissionFigures): number =>
    median(rounds.map((round) => round[figure]).filter(Number.isFinite));
  return { perS: of("perS"), p50Ms: of("p50Ms"), p99Ms: of("p99Ms") };
}
