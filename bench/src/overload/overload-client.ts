import { createHttpConnections, type HttpConnections } from "../load/http-connections.js";
import { createRandom } from "../load/random.js";
import { submitOnSchedule } from "../load/submit-on-schedule.js";
import { createTextInputs } from "../load/text-inputs.js";
import { percentile } from "../measure/percentile.js";
import { answerParent } from "../process/report-to-parent.js";
import { codeOf, type Outcome, outcomeOf } from "./attempt-outcome.js";
import { type OverloadPhase, scheduleOf } from "./overload-phases.js";
import { type OverloadTask, type OverloadTasks, toColumns } from "./overload-tasks.js";

/** Tasks that one process submits, each with a deadline and its result awaited. */
export interface OverloadClientPlan {
  readonly origin: string;
  readonly model: string;
  readonly textBytes: number;
  readonly deadlineMs: number;
  readonly phases: readonly OverloadPhase[];
  /** Every n-th answer is compared with the right one. */
  readonly checkEvery: number;
  readonly seed: number;
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

/** A result is waited for so much longer than its deadline: whether it comes late is to be seen. */
const WAIT_LONGER_S = 3;

/** A process of its own: it says when it begins, as times in its report count from there. */
answerParent<OverloadClientPlan, OverloadClientReport>(async (plan, { onOpen, onClose }) => {
  const connections = createHttpConnections(plan.origin);
  const client = createClient(plan, connections);
  const schedule = scheduleOf(plan.phases, createRandom(plan.seed));
  onOpen();
  const startMs = performance.now();
  const lateMs = await submitOnSchedule((dueMs) => client.submit(dueMs, startMs), schedule, startMs);
  onClose();
  await connections.close();
  const { tasks, codes, examples } = client;
  const lateP99Ms = percentile(Float64Array.from(lateMs).sort(), 0.99);
  return { tasks: toColumns(tasks), codes: Object.fromEntries(codes), examples, lateP99Ms };
});

function createClient(plan: OverloadClientPlan, connections: HttpConnections) {
  const { deadlineMs, checkEvery } = plan;
  const nextInput = createTextInputs(plan);
  const prefer = `wait=${Math.ceil(deadlineMs / 1_000) + WAIT_LONGER_S}`;
  const tasks: OverloadTask[] = [];
  const codes = new Map<string, number>();
  const examples: Partial<Record<Outcome, string>> = {};
  let submitted = 0;

  const attempt = async (sentMs: number): Promise<Outcome> => {
    const input = nextInput();
    const check = submitted++ % checkEvery === 0;
    const { path, headers, body } = input;
    try {
      const reply = await connections.request({ method: "POST", path, headers: { ...headers, prefer }, body });
      const outcome = outcomeOf(reply, { input, deadlineMs, tookMs: performance.now() - sentMs, check });
      if (reply.status >= 400) codes.set(codeOf(reply), (codes.get(codeOf(reply)) ?? 0) + 1);
      if (outcome !== "in-time") examples[outcome] ??= `${reply.status} ${reply.body.toString("utf8", 0, 300)}`;
      return outcome;
    } catch (error) {
      examples.failed ??= String(error);
      return "failed";
    }
  };
  return {
    tasks,
    codes,
    examples,
    async submit(dueMs: number, startMs: number): Promise<void> {
      const sentMs = performance.now();
      const outcome = await attempt(sentMs);
      const endMs = performance.now();
      tasks.push({ dueMs: dueMs - startMs, sentMs: sentMs - startMs, endMs: endMs - startMs, outcome });
    },
  };
}
