import sharp from "sharp";
import { summariseTasks, type TaskSummary } from "../measure/task-times.js";
import { readPictureSet } from "../pictures/picture-set.js";
import { decodePicture, type ImageInput } from "../pictures/picture-tensor.js";
import { reportToParent, type Timing } from "../process/report-to-parent.js";

/** Pictures to decode and resize, and nothing else. */
export interface SharpFloorPlan extends Timing {
  readonly folder: string;
  readonly input: ImageInput;
  /** Pictures at a time, each on one thread. */
  readonly inFlight: number;
}

/** How many pictures sharp turns into the model's input size when nothing else is done with them. */
reportToParent<SharpFloorPlan, TaskSummary>(async ({ folder, input, inFlight }, window) => {
  sharp.concurrency(1);
  sharp.cache(false);
  const { pictures } = await readPictureSet(folder);
  const times = { startMs: [] as number[], endMs: [] as number[] };
  let next = 0;
  const decodeAll = async (): Promise<void> => {
    for (let startMs = performance.now(); startMs < window.untilMs; startMs = performance.now()) {
      await decodePicture(pictures[next++ % pictures.length] ?? Buffer.alloc(0), input);
      times.startMs.push(startMs);
      times.endMs.push(performance.now());
    }
  };
  await Promise.all(Array.from({ length: inFlight }, decodeAll));
  return summariseTasks(times, await window.closed(), "end");
});
