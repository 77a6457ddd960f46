import { type ModelServer, startModelServer } from "@sluice/stack";
import type { BenchContext } from "../bench-context.js";
import type { DirectRun } from "../bench-result.js";
import { FULL_BATCH } from "../bench-scale.js";
import { measureDirect } from "../measure/measure-direct.js";
import type { TensorPlan, TensorReport } from "./tensor-client.js";

/** Full batches of large tensors, by the way that they take. */
export interface TensorRuns {
  readonly grpc: readonly DirectRun[];
  readonly sharedMemory: readonly DirectRun[];
}

const IN_FLIGHT = [1, 2];

/** What shared memory with a Triton on this host is worth: 64 x 3 x 224 x 224 FP32 over gRPC, and through it. */
export async function measureTensors(context: BenchContext): Promise<TensorRuns> {
  const { progress } = context;
  const server = await startModelServer({ includeTest: true, only: ["glimpse"], progress });
  try {
    const runs = { grpc: [] as DirectRun[], sharedMemory: [] as DirectRun[] };
    for (const inFlight of IN_FLIGHT) {
      const measure = (sharedMemory: "auto" | "off") => measureWay({ inFlight, sharedMemory }, server, context);
      const label = `large tensors, ${inFlight} in flight,`;
      runs.grpc.push(await progress.step(`${label} over gRPC`, () => measure("off")));
      runs.sharedMemory.push(await progress.step(`${label} through shared memory`, () => measure("auto")));
    }
    return runs;
  } finally {
    await server.stop();
  }
}

async function measureWay(
  { inFlight, sharedMemory }: Pick<TensorPlan, "inFlight" | "sharedMemory">,
  server: ModelServer,
  { scale, nextSeed }: BenchContext,
): Promise<DirectRun> {
  const plan: TensorPlan = {
    ...scale.timing,
    ...{ triton: server.grpcUrl, batchSize: FULL_BATCH, inFlight, sharedMemory },
    checkEvery: Math.max(1, Math.round(scale.checkEvery / 10)),
    seed: nextSeed(),
  };
  const script = new URL("./tensor-client.js", import.meta.url);
  const processes = [{ name: "tritonserver", pid: server.process.pid ?? 0, childrenName: "model" }];
  const measured = await measureDirect<TensorPlan, TensorReport>(script, plan, {
    processes,
    piecesPerCall: FULL_BATCH,
  });
  return { inFlight, ...measured.run, wrong: measured.report.wrong };
}
