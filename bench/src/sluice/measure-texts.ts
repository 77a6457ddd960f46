import type { BenchContext } from "../bench-context.js";
import type { TextFigures } from "../bench-result.js";
import { SELDOM_PER_S, TEXT_BYTES } from "../bench-scale.js";
import { measureSingleRows } from "../floors/single-rows.js";
import { runLoad } from "../load/run-load.js";
import { runLoads, type ServerUnderLoad } from "../measure/run-loads.js";
import { withSluice } from "./start-sluice.js";

const MODEL = "sleep";

/** Texts through all of Sluice, for a model whose capacity is known, and single ones straight to the same Triton. */
export async function measureTexts(context: BenchContext): Promise<TextFigures> {
  const { mode, scale, progress } = context;
  const served = { models: [MODEL], settings: { "batch.mode": mode } };
  return await withSluice(served, context, async ({ origin, processes, triton, stack }) => {
    const inputs = { kind: "text", model: MODEL, textBytes: TEXT_BYTES } as const;
    const server = { name: "texts", origin, inputs, processes, triton: { channel: triton, model: MODEL } };
    await progress.step("texts, 256 clients, not measured yet", () => soak(server, context));
    const loads = await runLoads(server, scale.textLoads, context);
    // Sluice is idle meanwhile.
    const single = await measureSingleRows(
      { triton: stack.triton.grpcUrl, model: MODEL, ratePerS: SELDOM_PER_S },
      context,
    );
    return { mode, loads, single };
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
