import { BrokerError, type Clock, type ModelRegistry, type ReadTaskReply } from "@sluice/broker";
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { parseWaitPreference } from "../http/wait-preference.js";
import type { Identify } from "../identify.js";
import { parseSubmission } from "../submission/parse-submission.js";
import { type AdmitDeps, admitOrder } from "../tasks/admit-order.js";
import { bindOrder, type BoundTask, parseIdempotencyKey } from "../tasks/bind-order.js";
import { type Order, toOrder } from "../tasks/plan-task.js";
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
}

/**
 * `POST /v1/inference`: admits one task. Answers 202 with its id, or 200 with its result where that was kept, or came
 * within the time that the caller wants to wait.
 */
export function submitInference(deps: SubmitDeps): Handler {
  const unique = () => randomBytes(16).toString("base64url");
  return async ({ env }) => {
    if (deps.isDraining()) throw new BrokerError("shutting-down", "this process is stopping; send it again");
    const { headers } = env.incoming;
    requireJsonAccepted(headers.accept);
    const key = parseIdempotencyKey(headers["idempotency-key"]);
    const owner = deps.identify(env.incoming);
    const { submission, queryWait } = await parseSubmission(env);
    const { waitMs, applied } = parseWaitPreference(headers["prefer"] as string | undefined, queryWait);
    const order = toOrder(submission, { owner, key }, deps.models);
    const bound = await bindOrder({ ...deps, unique }, order, deps.clock.epochMs());
    const wait = waitMs > 0 ? deps.waits.open(bound.task.taskId, waitMs) : undefined;
    if (wait) env.outgoing.once("close", wait.leave);
    try {
      const submitted = bound.admitted ? await replay(deps, bound, wait) : await admit(deps, order, bound, wait);
      return answer(deps, order, submitted, { applied, replayed: bound.admitted });
    } finally {
      wait?.close();
    }
  };
}

async function admit(deps: SubmitDeps, order: Order, bound: BoundTask, wait: TaskWait | undefined): Promise<Submitted> {
  const { taskId } = bound.task;
  const { runId, cache } = await admitOrder(deps, order, bound.task).catch(async (error: unknown) => {
    // Where it may have been admitted, the key must go on naming it.
    if (!(error instanceof BrokerError && error.code === "durability-unconfirmed")) await bound.release();
    throw error;
  });
  await bound.confirm();
  const mayHaveEnded = cache === "hit" || cache === undefined;
  return { taskId, cache, task: await follow(deps.read, { taskId, runId, mayHaveEnded }, wait) };
}

/** Reads the task of an earlier request with the same key. */
async function replay(deps: SubmitDeps, bound: BoundTask, wait: TaskWait | undefined): Promise<Submitted> {
  const { taskId } = bound.task;
  const known = await deps.read(taskId);
  const task = wait ? await readUntilEnded(deps.read, taskId, wait, known) : known;
  return { taskId, cache: undefined, task };
}

/** The result, if it is there or comes while the caller waits. The task is admitted: Redis trouble is no refusal now. */
async function follow(
  read: ReadTask,
  place: { readonly taskId: string; readonly runId: string; readonly mayHaveEnded: boolean },
  wait: TaskWait | undefined,
): Promise<ReadTaskReply | undefined> {
  const { taskId, runId, mayHaveEnded } = place;
  if (wait && runId === taskId && !mayHaveEnded) return await readUntilEnded(read, taskId, wait);
  if (!wait && !mayHaveEnded) return undefined;
  wait?.follow(runId);
  const known = await read(taskId).catch(() => undefined);
  return wait ? await readUntilEnded(read, taskId, wait, known) : known;
}

function answer(
  deps: SubmitDeps,
  { owner, model, submission }: Order,
  { taskId, cache, task }: Submitted,
  told: { readonly applied: string | undefined; readonly replayed: boolean },
): Response {
  const headers: Record<string, string> = {};
  if (told.applied !== undefined) headers["preference-applied"] = told.applied;
  if (told.replayed) headers["idempotent-replayed"] = "true";
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
