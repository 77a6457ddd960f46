import type { Window } from "../measure/task-times.js";
import { percentile } from "../measure/percentile.js";
import { createPictureInputs } from "../pictures/picture-inputs.js";
import { type MeasuringWindow, reportToParent } from "../process/report-to-parent.js";
import { type LoopDeps, runClosedLoop } from "./closed-loop.js";
import { createExchange } from "./exchange.js";
import { createHttpConnections } from "./http-connections.js";
import type { LoadPlan } from "./load-plan.js";
import { createLoadRecorder, type LoadReport } from "./load-recorder.js";
import { runOpenLoop } from "./open-loop.js";
import { poissonSchedule } from "./poisson-schedule.js";
import { createRandom } from "./random.js";
import type { NextInput } from "./task-input.js";
import { createTextInputs } from "./text-inputs.js";

/** A process of its own: see `runLoad`. */
reportToParent<LoadPlan, LoadReport>(async (plan, window) => {
  const connections = createHttpConnections(plan.origin);
  const recorder = createLoadRecorder(plan);
  const nextInput = await createInputs(plan);
  const deps = { exchange: createExchange(plan.exchange, connections), nextInput, recorder };
  const lateMs = await runLoop(deps, plan, window);
  const closed: Window = await window.closed();
  await connections.close();
  return {
    ...recorder.report(closed, plan.pace.kind === "closed" ? "end" : "start"),
    lateP99Ms:
      lateMs.length === 0
        ? 0
        : percentile(
            lateMs.sort((a, b) => a - b),
            0.99,
          ),
  };
});

async function runLoop(deps: LoopDeps, { pace, seed }: LoadPlan, window: MeasuringWindow): Promise<number[]> {
  if (pace.kind === "closed") {
    await runClosedLoop(deps, pace.clients, window.untilMs);
    return [];
  }
  const load = { ratePerS: pace.ratePerS, durationMs: window.untilMs - window.startMs };
  return await runOpenLoop(deps, poissonSchedule(load, createRandom(seed)), window.startMs);
}

async function createInputs({ inputs, seed }: LoadPlan): Promise<NextInput> {
  return inputs.kind === "text"
    ? createTextInputs({ ...inputs, seed })
    : await createPictureInputs({ ...inputs, seed });
}
