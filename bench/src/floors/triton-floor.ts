import { type ModelServer, startModelServer } from "@sluice/stack";
import type { BenchContext } from "../bench-context.js";
import type { DirectRun } from "../bench-result.js";
import { FULL_BATCH, TEXT_BYTES } from "../bench-scale.js";
import { measureDirect } from "../measure/measure-direct.js";
import type { TritonFloorPlan, TritonFloorReport } from "./triton-floor-client.js";

const IN_FLIGHT = [1, 2, 3];

/** What the model can do at most: full batches straight over gRPC. */
export async function measureTritonFloor(context: BenchContext): Promise<DirectRun[]> {
  const { progress } = context;
  const server = await startModelServer({ includeTest: true, only: ["sleep"], progress });
  try {
    const runs: DirectRun[] = [];
    for (const inFlight of IN_FLIGHT) {
      const label = `full batches straight to Triton, ${inFlight} in flight`;
      runs.push(await progress.step(label, () => measureInFlight(inFlight, server, context)));
    }
    return runs;
  } finally {
    await server.stop();
  }
}

async function measureInFlight(
  inFlight: number,
  server: ModelServer,
  { scale, nextSeed }: BenchContext,
): Promise<DirectRun> {
  const plan: TritonFloorPlan = {
    ...scale.timing,
    triton: server.grpcUrl,
    model: "sleep",
    batchSize: FULL_BATCH,
    textBytes: TEXT_BYTES,
    inFlight,
    checkEvery: Math.max(1, Math.round(scale.checkEvery / 10)),
    seed: nextSeed(),
  };
  const script = new URL("./triton-floor-client.js", import.meta.url);
  const processes = [{ name: "tritonserver", pid: server.process.pid ?? 0, childrenName: "model" }];
  const measured = await measureDirect<TritonFloorPlan, TritonFloorReport>(script, plan, {
    processes,
    piecesPerCall: FULL_BATCH,
  });
  return { inFlight, ...measured.run, wrong: measured.report.wrong };
}
