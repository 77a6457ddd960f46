import { BrokerError, type Clock, type ModelRegistry, type ReadTaskReply } from "@sluice/broker";
import type { Logger } from "pino";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { parseWaitPreference } from "../http/wait-preference.js";
import type { Identify } from "../identify.js";
import { parseSubmission } from "../submission/parse-submission.js";
import { type AdmitDeps, admitOrder } from "../tasks/admit-order.js";
import { bindOrder, type BoundTask, parseIdempotencyKey } from "../tasks/bind-order.js";
import { createEntropy } from "../tasks/entropy.js";
import { type Order, type PlannedTask, planTask, toOrder } from "../tasks/plan-task.js";
import { type ReadTask, readUntilEnded } from "../tasks/read-until-ended.js";
import { requireTask } from "../tasks/require-task.js";
import type { TaskWait, TaskWaits } from "../tasks/task-waits.js";
import { type CacheWord, toTaskUrls, toTaskView } from "../views/task-view.js";

/** What the route needs. */
export interface SubmitDeps extends AdmitDeps {
  readonly models: ModelRegistry;
  readonly waits: TaskWaits;
  readonly read: ReadTask;
  readonly identify: Identify;
  readonly clock: Clock;
  readonly log: Logger;
  readonly isDraining: () => boolean;
}

/** What became of a submission. */
interface Submitted {
  readonly taskId: string;
  readonly cache: CacheWord | undefined;
  /** The last thing read of the task; undefined if it was not read. */
  readonly task: ReadTaskReply | undefined;
  /** It was admitted by an earlier request with the same Idempotency-Key. */
  readonly replayed: boolean;
}

/**
 * `POST /v1/inference`: admits one task. Answers 202 with its id, or 200 with its result where that was kept, or came
 * within the time that the caller wants to wait.
 */
export function submitInference(deps: SubmitDeps): Handler {
  const entropy = createEntropy();
  return async ({ env }) => {
    if (deps.isDraining()) throw new BrokerError("shutting-down", "this process is stopping; send it again");
    const { headers } = env.incoming;
    requireJsonAccepted(headers.accept);
    const key = parseIdempotencyKey(headers["idempotency-key"]);
    const owner = deps.identify(env.incoming);
    const { submission, queryWait } = await parseSubmission(env);
    const { waitMs, applied } = parseWaitPreference(headers["prefer"] as string | undefined, queryWait);
    const order = toOrder(submission, { owner, key }, deps.models);
    const plan = (version: string) => planTask(order, version, deps.clock.epochMs(), entropy);
    const bound = key === undefined ? undefined : await bindOrder(deps, order, key, plan);
    const task = bound?.task ?? plan(order.model.version);
    const wait = waitMs > 0 ? deps.waits.open(task.taskId, waitMs) : undefined;
    if (wait) env.outgoing.on("close", wait.leave);
    try {
      const submitted = bound?.admitted
        ? await replay(deps, task.taskId, wait)
        : await admit(deps, { order, task, bound }, wait);
      return answer(deps, order, submitted, applied);
    } finally {
      wait?.close();
    }
  };
}

/** Reads the task of an earlier request with the same key. */
async function replay(deps: SubmitDeps, taskId: string, wait: TaskWait | undefined): Promise<Submitted> {
  const known = await deps.read(taskId);
  const task = wait ? await readUntilEnded(deps.read, taskId, wait, known) : known;
  return { taskId, cache: undefined, task, replayed: true };
}

/** Admits the task, and reads its result if it is there or comes while the caller waits. */
async function admit(
  deps: SubmitDeps,
  { order, task, bound }: { readonly order: Order; readonly task: PlannedTask; readonly bound: BoundTask | undefined },
  wait: TaskWait | undefined,
): Promise<Submitted> {
  const { taskId } = task;
  const { runId, cache } = await admitOrder(deps, order, task, bound?.release);
  if (bound) await bound.confirm();
  // A run that the task has just created cannot have ended unheard; every other may have.
  let known: ReadTaskReply | undefined;
  if (cache !== "miss" && (wait || cache === "hit")) {
    wait?.follow(runId);
    // The task is admitted: Redis trouble is no refusal any more.
    known = await deps.read(taskId).catch(() => undefined);
  }
  const last = wait ? await readUntilEnded(deps.read, taskId, wait, known) : known;
  return { taskId, cache, task: last, replayed: false };
}

function answer(
  deps: SubmitDeps,
  { owner, model, submission }: Order,
  { taskId, cache, task, replayed }: Submitted,
  preferenceApplied: string | undefined,
): Response {
  const headers: Record<string, string> = {};
  if (preferenceApplied !== undefined) headers["preference-applied"] = preferenceApplied;
  if (replayed) headers["idempotent-replayed"] = "true";
  if (task && task.kind !== "open") {
    const settings = deps.settings.current().forModel(model.name);
    const known = requireTask(taskId, task, { owner, nowMs: deps.clock.epochMs(), settings });
    const view = toTaskView(taskId, known, deps.models, { view: submission.view, cache });
    deps.metrics.resultRead(String(view["status"]));
    return jsonResponse(200, JSON.stringify(view), headers);
  }
  const urls = toTaskUrls(taskId);
  headers["location"] = urls.result;
  headers["retry-after"] = "1";
  return jsonResponse(202, JSON.stringify({ task_id: taskId, status: "PENDING", urls, cache }), headers);
}
