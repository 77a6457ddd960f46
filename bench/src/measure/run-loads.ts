import type { BenchContext } from "../bench-context.js";
import type { LoadRun } from "../bench-result.js";
import type { PlannedLoad } from "../bench-scale.js";
import type { PlannedInputs } from "../load/load-plan.js";
import { describeLoad } from "../report/describe-load.js";
import { measureLoad, type Watched } from "./measure-load.js";

/** A server under load. */
export interface ServerUnderLoad extends Watched {
  /** What people call it. */
  readonly name: string;
  readonly origin: string;
  readonly inputs: PlannedInputs;
}

/** Puts one load after the other on a server. */
export async function runLoads(
  server: ServerUnderLoad,
  loads: readonly PlannedLoad[],
  { scale, progress, nextSeed }: BenchContext,
): Promise<LoadRun[]> {
  const runs: LoadRun[] = [];
  for (const { exchange, pace } of loads) {
    const { origin, inputs } = server;
    const plan = { ...scale.timing, checkEvery: scale.checkEvery, origin, inputs, exchange, pace, seed: nextSeed() };
    const label = `${server.name}, ${describeLoad({ exchange, pace })}`;
    const figures = await progress.step(label, () => measureLoad(plan, server));
    runs.push({ exchange, pace, figures });
  }
  return runs;
}
