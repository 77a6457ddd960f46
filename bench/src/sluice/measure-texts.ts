import type { BenchContext } from "../bench-context.js";
import type { LoadRun } from "../bench-result.js";
import { TEXT_BYTES } from "../bench-scale.js";
import { runLoad } from "../load/run-load.js";
import { runLoads, type ServerUnderLoad } from "../measure/run-loads.js";
import { withSluice } from "./start-sluice.js";

const MODEL = "sleep";

/** Texts through all of Sluice, for a model whose capacity is known. */
export async function measureTexts(context: BenchContext): Promise<LoadRun[]> {
  return await withSluice([MODEL], context, async ({ origin, processes, triton }) => {
    const inputs = { kind: "text", model: MODEL, textBytes: TEXT_BYTES } as const;
    const server = { name: "texts", origin, inputs, processes, triton: { channel: triton, model: MODEL } };
    await context.progress.step("texts, 256 clients, not measured yet", () => soak(server, context));
    return await runLoads(server, context.scale.textLoads, context);
  });
}

/** @throws Error if a task did not go well: nothing after it would be worth measuring. */
async function soak({ origin, inputs }: ServerUnderLoad, { scale, nextSeed }: BenchContext): Promise<void> {
  const { problems } = await runLoad({
    origin,
    inputs,
    exchange: "submit-and-wait",
    pace: { kind: "closed", clients: 256 },
    warmUpMs: 0,
    measureMs: scale.soakMs,
    checkEvery: scale.checkEvery,
    seed: nextSeed(),
  });
  const [problem] = problems;
  if (problem) throw new Error(`texts: ${problem.count} tasks ${problem.kind}, such as ${problem.detail}`);
}
