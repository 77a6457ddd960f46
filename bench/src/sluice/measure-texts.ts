import type { BenchContext } from "../bench-context.js";
import type { LoadRun } from "../bench-result.js";
import { TEXT_BYTES } from "../bench-scale.js";
import { runLoads } from "../measure/run-loads.js";
import { withSluice } from "./start-sluice.js";

const MODEL = "sleep";

/** Texts through all of Sluice, for a model whose capacity is known. */
export async function measureTexts(context: BenchContext): Promise<LoadRun[]> {
  return await withSluice([MODEL], context, ({ origin, processes, triton }) => {
    const inputs = { kind: "text", model: MODEL, textBytes: TEXT_BYTES } as const;
    const server = { name: "texts", origin, inputs, processes, triton: { channel: triton, model: MODEL } };
    return runLoads(server, context.scale.textLoads, context);
  });
}
