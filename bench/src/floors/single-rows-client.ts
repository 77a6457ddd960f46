import { poissonSchedule } from "../load/poisson-schedule.js";
import { createRandom } from "../load/random.js";
import { submitOnSchedule } from "../load/submit-on-schedule.js";
import { createTexts } from "../load/texts.js";
import { summariseTasks, type TaskSummary } from "../measure/task-times.js";
import { openTritonChannel } from "../measure/triton-channel.js";
import { reportToParent, type Timing } from "../process/report-to-parent.js";
import { createTextBatch, isRightAnswer } from "./text-batch.js";

/** Batches of one row, at random times. */
export interface SingleRowsPlan extends Timing {
  /** `host:port` of Triton's gRPC port. */
  readonly triton: string;
  readonly model: string;
  readonly ratePerS: number;
  readonly textBytes: number;
  readonly seed: number;
}

/** A process of its own: see `measureSingleRows`. Latencies count from the scheduled time, as in an open loop. */
reportToParent<SingleRowsPlan, TaskSummary>(async (plan, window) => {
  const channel = openTritonChannel(plan.triton);
  const nextText = createTexts(plan);
  const times = { startMs: [] as number[], endMs: [] as number[] };
  let wrong = 0;
  const send = async (dueMs: number): Promise<void> => {
    const batch = createTextBatch(plan.model, [nextText()]);
    const response = await channel.infer(batch.request);
    times.startMs.push(dueMs);
    times.endMs.push(performance.now());
    if (!isRightAnswer(batch, response)) wrong++;
  };
  const load = { ratePerS: plan.ratePerS, durationMs: window.untilMs - window.startMs };
  await submitOnSchedule(send, poissonSchedule(load, createRandom(plan.seed)), window.startMs);
  channel.close();
  if (wrong > 0) throw new Error(`Triton gave ${wrong} wrong answers to single texts`);
  return summariseTasks(times, await window.closed(), "start");
});
