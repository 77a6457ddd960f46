import type { Logger } from "pino";
import { createTexts } from "../load/texts.js";
import { median } from "../measure/percentile.js";
import type { Timing } from "../process/report-to-parent.js";
import { measureAdmissions } from "./admission-window.js";
import { timeForcedWrites } from "./forced-writes.js";
import { type OpenLevel, openLevel } from "./open-level.js";
import type { LevelServer } from "./start-level-servers.js";

/** Levels that are measured in turn, again and again. */
export interface RoundsPlan {
  readonly servers: readonly LevelServer[];
  /** Of each window. */
  readonly timing: Timing;
  readonly rounds: number;
  /** How long the first level is under load before anything is measured, so that code is compiled. */
  readonly soakMs: number;
  /** Admissions under way at a time. */
  readonly inFlight: readonly number[];
  readonly inputBytes: number;
  readonly seed: number;
  /** On the disk that the servers write to. */
  readonly folder: string;
}

/** One window of one level. */
export interface LevelRun {
  readonly level: string;
  readonly inFlight: number;
  readonly round: number;
  readonly perS: number;
  /** NaN if nothing was confirmed. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Admissions that nobody confirmed in time: in no other figure. */
  readonly unconfirmed: number;
}

/** What all windows have shown. */
export interface RoundsReport {
  /** Name and version of the server. */
  readonly server: string;
  /** One append that is forced to the disk by itself, with nothing else to do; median, milliseconds. */
  readonly forcedWriteMs: number;
  /** Levels whose server says that a write is on the disk before it is. */
  readonly confirmedEarly: readonly string[];
  /** None of a level that the server does not know. */
  readonly runs: readonly LevelRun[];
}

const FORCED_WRITES_A_ROUND = 20;

/**
 * Measures every level in each round, so that what else the machine does hits all alike, and begins each round with
 * another, so that none is always the first or always behind the same.
 * @throws Error if a single admission was refused.
 */
export async function measureRounds(plan: RoundsPlan, log: Logger): Promise<RoundsReport> {
  const levels: OpenLevel[] = [];
  try {
    for (const server of plan.servers) {
      const level = await openLevel(server, log);
      if (level) levels.push(level);
    }
    const nextText = createTexts({ textBytes: plan.inputBytes, seed: plan.seed });
    await soak(levels[0], nextText, plan);
    const forcedWritesMs: number[] = [];
    const runs: LevelRun[] = [];
    for (let round = 0; round < plan.rounds; round++) {
      forcedWritesMs.push(...timeForcedWrites(plan.folder, FORCED_WRITES_A_ROUND, plan.inputBytes));
      for (const inFlight of plan.inFlight) {
        for (const level of rotate(levels, round)) {
          const { perS, p50Ms, p99Ms, unconfirmed } = await measureAdmissions(level, nextText, {
            ...plan.timing,
            inFlight,
          });
          await level.clear();
          runs.push({ level: level.name, inFlight, round, perS, p50Ms, p99Ms, unconfirmed });
        }
      }
    }
    return {
      server: levels[0]?.server ?? "",
      forcedWriteMs: median(forcedWritesMs),
      confirmedEarly: levels.filter(({ confirmsEarly }) => confirmsEarly).map(({ name }) => name),
      runs,
    };
  } finally {
    for (const level of levels) level.close();
  }
}

/** The same in the same order, beginning with the one at `first`, counted round and round. */
export function rotate<Item>(items: readonly Item[], first: number): Item[] {
  const cut = items.length === 0 ? 0 : first % items.length;
  return [...items.slice(cut), ...items.slice(0, cut)];
}

async function soak(
  level: OpenLevel | undefined,
  nextText: () => string,
  { soakMs, inFlight }: RoundsPlan,
): Promise<void> {
  if (!level) return;
  await measureAdmissions(level, nextText, { warmUpMs: 0, measureMs: soakMs, inFlight: Math.max(...inFlight) });
  await level.clear();
}
