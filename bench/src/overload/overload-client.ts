import { createHttpConnections } from "../load/http-connections.js";
import { createRandom } from "../load/random.js";
import { submitOnSchedule } from "../load/submit-on-schedule.js";
import { percentile } from "../measure/percentile.js";
import { answerParent } from "../process/report-to-parent.js";
import type { Outcome } from "./attempt-outcome.js";
import { type OverloadPhase, scheduleOf } from "./overload-phases.js";
import { type OverloadTasks, toColumns } from "./overload-tasks.js";
import { createSubmitter, type SubmitterOptions } from "./submitter.js";

/** Tasks that one process submits, each with a deadline and its result awaited. */
export interface OverloadClientPlan extends SubmitterOptions {
  readonly origin: string;
  readonly phases: readonly OverloadPhase[];
}

/** What it has seen. */
export interface OverloadClientReport {
  readonly tasks: OverloadTasks;
  /** Refusals by code. */
  readonly codes: Readonly<Record<string, number>>;
  /** One example of each outcome that is not as it must be. */
  readonly examples: Partial<Record<Outcome, string>>;
  /** By how much the process itself was late, 99th percentile. */
  readonly lateP99Ms: number;
}

/** A process of its own: it says when it begins, as times in its report count from there. */
answerParent<OverloadClientPlan, OverloadClientReport>(async (plan, { onOpen, onClose }) => {
  const connections = createHttpConnections(plan.origin);
  const submitter = createSubmitter(connections, plan);
  const schedule = scheduleOf(plan.phases, createRandom(plan.seed));
  onOpen();
  const startMs = performance.now();
  const lateMs = await submitOnSchedule((dueMs) => submitter.submit(dueMs, startMs), schedule, startMs);
  onClose();
  await connections.close();
  const { tasks, codes, examples } = submitter;
  const lateP99Ms = percentile(Float64Array.from(lateMs).sort(), 0.99);
  return { tasks: toColumns(tasks), codes: Object.fromEntries(codes), examples, lateP99Ms };
});
