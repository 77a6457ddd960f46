import { connectTriton } from "@sluice/gpu-worker";
import { pino } from "pino";
import { createRandom } from "../load/random.js";
import { summariseTasks, type TaskSummary } from "../measure/task-times.js";
import { reportToParent, type Timing } from "../process/report-to-parent.js";
import { createTensorBatches, TENSOR_BYTES } from "./tensor-batches.js";

/** Full batches of large tensors, a number of them in flight. */
export interface TensorPlan extends Timing {
  /** `host:port` of Triton's gRPC port. */
  readonly triton: string;
  readonly sharedMemory: "auto" | "off";
  readonly batchSize: number;
  readonly inFlight: number;
  /** Every n-th batch is compared with the right answers. */
  readonly checkEvery: number;
  readonly seed: number;
}

/** Batches, not rows. */
export interface TensorReport extends TaskSummary {
  /** Batches with an answer that was not right. */
  readonly wrong: number;
}

const CALL_MS = 30_000;

/** How many full batches of large tensors the worker's own client gets through Triton. */
reportToParent<TensorPlan, TensorReport>(async (plan, window) => {
  const { triton: url, sharedMemory, batchSize } = plan;
  const log = pino({ level: "silent" });
  const client = connectTriton({ url, sharedMemory, maxMessageBytes: (batchSize + 1) * TENSOR_BYTES }, log);
  const batches = createTensorBatches(batchSize, createRandom(plan.seed));
  const times = { startMs: [] as number[], endMs: [] as number[] };
  let sent = 0;
  let wrong = 0;
  const sendBatches = async (): Promise<void> => {
    while (performance.now() < window.untilMs) {
      const batch = batches.next();
      const isChecked = sent++ % plan.checkEvery === 0;
      const startMs = performance.now();
      const response = await client.infer(batch.request, { deadlineMs: CALL_MS });
      times.startMs.push(startMs);
      times.endMs.push(performance.now());
      if (isChecked && !batch.isRight(response)) wrong++;
    }
  };
  await Promise.all(Array.from({ length: plan.inFlight }, sendBatches));
  await client.close();
  return { ...summariseTasks(times, await window.closed(), "end"), wrong };
});
