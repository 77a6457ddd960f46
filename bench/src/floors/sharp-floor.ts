import type { BenchContext } from "../bench-context.js";
import type { DirectRun } from "../bench-result.js";
import { measureDirect } from "../measure/measure-direct.js";
import type { TaskSummary } from "../measure/task-times.js";
import type { ImageInput } from "../pictures/picture-tensor.js";
import type { SharpFloorPlan } from "./sharp-floor-client.js";

const IN_FLIGHT = [1, 2, 4];

/** What the pictures of a folder cost at least: sharp decodes and resizes them, and nothing else is done. */
export async function measureSharpFloor(
  folder: string,
  input: ImageInput,
  { scale, progress }: BenchContext,
): Promise<DirectRun[]> {
  const script = new URL("./sharp-floor-client.js", import.meta.url);
  const runs: DirectRun[] = [];
  for (const inFlight of IN_FLIGHT) {
    const plan: SharpFloorPlan = { ...scale.timing, folder, input, inFlight };
    const { run } = await progress.step(`sharp alone, ${inFlight} at a time`, () =>
      measureDirect<SharpFloorPlan, TaskSummary>(script, plan, { processes: [], piecesPerCall: 1 }),
    );
    runs.push({ inFlight, ...run, wrong: 0 });
  }
  return runs;
}
