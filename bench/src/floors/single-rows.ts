import type { BenchContext } from "../bench-context.js";
import { TEXT_BYTES } from "../bench-scale.js";
import type { TaskSummary } from "../measure/task-times.js";
import { runMeasuredChild } from "../process/measured-child.js";
import type { SingleRowsPlan } from "./single-rows-client.js";

/** What a text takes that nobody has to wait for, nor to store: alone in its call, straight to Triton. */
export async function measureSingleRows(
  { triton, model, ratePerS }: Pick<SingleRowsPlan, "triton" | "model" | "ratePerS">,
  { scale, progress, nextSeed }: BenchContext,
): Promise<TaskSummary> {
  const plan: SingleRowsPlan = { ...scale.timing, triton, model, ratePerS, textBytes: TEXT_BYTES, seed: nextSeed() };
  const script = new URL("./single-rows-client.js", import.meta.url);
  return await progress.step(`single texts straight to Triton, ${ratePerS}/s`, () =>
    runMeasuredChild<SingleRowsPlan, TaskSummary>(script, plan),
  );
}
