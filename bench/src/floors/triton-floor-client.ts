import { createTexts } from "../load/texts.js";
import { summariseTasks, type TaskSummary } from "../measure/task-times.js";
import { openTritonChannel } from "../measure/triton-channel.js";
import { reportToParent, type Timing } from "../process/report-to-parent.js";
import { createTextBatch, isRightAnswer } from "./text-batch.js";

/** Full batches, a number of them in flight. */
export interface TritonFloorPlan extends Timing {
  /** `host:port` of Triton's gRPC port. */
  readonly triton: string;
  readonly model: string;
  readonly batchSize: number;
  readonly textBytes: number;
  readonly inFlight: number;
  /** Every n-th batch is compared with the right answers. */
  readonly checkEvery: number;
  readonly seed: number;
}

/** Batches, not rows. */
export interface TritonFloorReport extends TaskSummary {
  /** Batches with an answer that was not right. */
  readonly wrong: number;
}

/** What the model can do when full batches are handed to it at once: only a client and the codec before Triton. */
reportToParent<TritonFloorPlan, TritonFloorReport>(async (plan, window) => {
  const channel = openTritonChannel(plan.triton);
  const nextText = createTexts(plan);
  const times = { startMs: [] as number[], endMs: [] as number[] };
  let sent = 0;
  let wrong = 0;
  const sendBatches = async (): Promise<void> => {
    while (performance.now() < window.untilMs) {
      const batch = createTextBatch(plan.model, Array.from({ length: plan.batchSize }, nextText));
      const isChecked = sent++ % plan.checkEvery === 0;
      const startMs = performance.now();
      const response = await channel.infer(batch.request);
      times.startMs.push(startMs);
      times.endMs.push(performance.now());
      if (isChecked && !isRightAnswer(batch, response)) wrong++;
    }
  };
  await Promise.all(Array.from({ length: plan.inFlight }, sendBatches));
  channel.close();
  return { ...summariseTasks(times, await window.closed(), "end"), wrong };
});
