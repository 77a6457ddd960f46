import { WARM_UP_SHARE } from "@sluice/batcher/simulator";
import type { BenchContext } from "../bench-context.js";
import type { LoadRun } from "../bench-result.js";
import type { LoadPlan, Pace } from "../load/load-plan.js";
import { poissonSchedule } from "../load/poisson-schedule.js";
import { createRandom } from "../load/random.js";
import { measureLoad, type Watched } from "../measure/measure-load.js";
import { slowerSleep } from "../overload/overload-model.js";
import { type RunningSluice, withSluice } from "../sluice/start-sluice.js";
import { type SimulatedReplay, simulateReplay } from "./simulate-replay.js";

/** How long each part is, milliseconds, and which rates are replayed. */
export interface ReplayScale {
  /** At the highest rate, until code is compiled. */
  readonly soakMs: number;
  /** One task after the other, for what a batch takes beside the model. */
  readonly aloneMs: number;
  /** Of each replay, its uncounted first tenth included. */
  readonly lengthMs: number;
  readonly ratesPerS: readonly number[];
}

/** One rate: measured, and simulated with the very same arrivals. */
export interface ReplayRow {
  readonly load: LoadRun;
  /** With the overhead added to the model's time. */
  readonly simulated: SimulatedReplay;
  /** With the model's time alone. */
  readonly ideal: SimulatedReplay;
}

/** All rates. */
export interface ReplayFigures {
  /** Median of single tasks, one after the other, less the model's time for one row, milliseconds. */
  readonly overheadMs: number;
  readonly rows: readonly ReplayRow[];
}

/** At most 762 rows a second: the CPU is not the limit then. */
const TIMES = { callMs: 20, rowMs: 1 };
const MODEL = `sleep-${TIMES.callMs}`;
const TEXT_BYTES = 256;
/** The model runs one batch at a time, and what a second slot sends ahead would wait in Triton, where nothing is simulated. */
const ENV = { SLOTS: "1" };

/** The same arrivals on all of Sluice and in the simulator. */
export async function measureReplay(context: BenchContext): Promise<ReplayFigures> {
  const { soakMs, aloneMs, lengthMs, ratesPerS } = context.scale.replay;
  const served = {
    ...{ models: [], extraModels: [await slowerSleep(MODEL, TIMES)], env: ENV },
    settings: { "batch.mode": "adaptive" },
  };
  return await withSluice(served, context, async (sluice) => {
    const soak: Pace = { kind: "open", ratePerS: Math.max(...ratesPerS) };
    await run(sluice, context, { pace: soak, lengthMs: soakMs, label: "replay: not measured yet" });
    const alone: Pace = { kind: "closed", clients: 1 };
    const single = await run(sluice, context, { pace: alone, lengthMs: aloneMs, label: "replay: one after the other" });
    const overheadMs = single.load.figures.p50Ms - TIMES.callMs - TIMES.rowMs;
    const rows: ReplayRow[] = [];
    for (const ratePerS of ratesPerS) {
      const pace: Pace = { kind: "open", ratePerS };
      const { load, seed } = await run(sluice, context, { pace, lengthMs, label: `replay: ${ratePerS}/s` });
      const scheduleMs = poissonSchedule({ ratePerS, durationMs: lengthMs }, createRandom(seed));
      const simulated = simulateReplay(scheduleMs, TIMES, { overheadMs, lengthMs });
      rows.push({ load, simulated, ideal: simulateReplay(scheduleMs, TIMES, { overheadMs: 0, lengthMs }) });
    }
    return { overheadMs, rows };
  });
}

/** @returns the seed with which the load generator drew the arrivals, too. */
async function run(
  { origin, processes, triton }: RunningSluice,
  { scale, progress, nextSeed }: BenchContext,
  { pace, lengthMs, label }: { readonly pace: Pace; readonly lengthMs: number; readonly label: string },
): Promise<{ readonly load: LoadRun; readonly seed: number }> {
  const seed = nextSeed();
  const plan: LoadPlan = {
    ...{ origin, pace, seed, checkEvery: scale.checkEvery, exchange: "submit-and-wait" },
    inputs: { kind: "text", model: MODEL, textBytes: TEXT_BYTES },
    warmUpMs: WARM_UP_SHARE * lengthMs,
    measureMs: (1 - WARM_UP_SHARE) * lengthMs,
  };
  const watched: Watched = { processes, triton: { channel: triton, model: MODEL } };
  const figures = await progress.step(label, () => measureLoad(plan, watched));
  return { load: { exchange: plan.exchange, pace, figures }, seed };
}
