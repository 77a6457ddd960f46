import { BrokerError, type Clock, type ModelDefinition, type ModelRegistry, type ReadTaskReply } from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { BodyIntake, BodyShare } from "../http/body-intake.js";
import type { Exchange, Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { parseWaitPreference } from "../http/wait-preference.js";
import type { Identify } from "../identify.js";
import { type ImageSources, parseSubmission } from "../submission/parse-submission.js";
import type { ViewOptions } from "../submission/submission.js";
import { admitBound } from "../tasks/admit-bound.js";
import { type AdmitDeps, type AdmittedTask, admitOrder } from "../tasks/admit-order.js";
import { type BindDeps, bindOrder, parseIdempotencyKey, type PlanOrder } from "../tasks/bind-order.js";
import { createEntropy, type TakeEntropy } from "../tasks/entropy.js";
import { planTask, toOrder } from "../tasks/plan-task.js";
import { type ReadTask, readUntilEnded } from "../tasks/read-until-ended.js";
import { requireTask } from "../tasks/require-task.js";
import type { TaskWait, TaskWaits } from "../tasks/task-waits.js";
import { toTaskUrls, toTaskView } from "../views/task-view.js";

/** What the route needs. */
export interface SubmitDeps extends AdmitDeps, BindDeps, ImageSources {
  /** Of the tasks that are submitted here. */
  readonly zone: string;
  readonly writes: AdmitDeps["writes"] & BindDeps["writes"];
  readonly models: ModelRegistry;
  readonly intake: BodyIntake;
  readonly waits: TaskWaits;
  readonly read: ReadTask;
  readonly identify: Identify;
  readonly clock: Clock;
  readonly isDraining: () => boolean;
}

/** A submission that was taken: all that its answer needs, without its body. */
interface Taken {
  readonly taskId: string;
  readonly owner: string;
  readonly model: ModelDefinition;
  readonly view: ViewOptions;
  /** Opened before the task was admitted; undefined: the caller does not wait. */
  readonly wait: TaskWait | undefined;
  readonly preferenceApplied: string | undefined;
  /** How it was admitted; or what it says, where an earlier request with the same Idempotency-Key was. */
  readonly outcome: { readonly admitted: AdmittedTask } | { readonly known: ReadTaskReply };
}

/**
 * `POST /v1/inference`: admits one task. Answers 202 with its id, or 200 with its result where that was kept, or came
 * within the time that the caller wants to wait.
 */
export function submitInference(deps: SubmitDeps): Handler {
  const entropy = createEntropy();
  return async ({ env }) => {
    if (deps.isDraining()) throw new BrokerError("shutting-down", "this process is stopping; send it again");
    requireJsonAccepted(env.incoming.headers.accept);
    const share = deps.intake.open();
    let taken: Taken;
    try {
      taken = await take(deps, env, { share, entropy });
    } finally {
      share.release();
    }
    // A caller may wait for a minute: nothing from here on refers to the body.
    try {
      const { outcome } = taken;
      return answer(
        deps,
        taken,
        "admitted" in outcome
          ? await readAdmitted(deps, taken, outcome.admitted)
          : await replay(deps, taken, outcome.known),
      );
    } finally {
      taken.wait?.close();
    }
  };
}

/** Reads the body, and admits the task that it asks for. */
async function take(
  deps: SubmitDeps,
  env: Exchange,
  { share, entropy }: { readonly share: BodyShare; readonly entropy: TakeEntropy },
): Promise<Taken> {
  const { headers } = env.incoming;
  const key = parseIdempotencyKey(headers["idempotency-key"]);
  const owner = deps.identify(env.incoming);
  const { submission, queryWait } = await parseSubmission(env, share, deps);
  const { waitMs, applied } = parseWaitPreference(headers["prefer"] as string | undefined, queryWait);
  const order = toOrder(submission, { owner, key, zone: deps.zone }, deps.models);
  const plan: PlanOrder = (asked) => planTask(asked, deps.clock.epochMs(), entropy);
  const bound = key === undefined ? undefined : await bindOrder(deps, order, key, plan);
  const task = bound?.task ?? plan(order);
  const wait = waitMs > 0 ? deps.waits.open(task.taskId, waitMs) : undefined;
  if (wait) env.outgoing.on("close", wait.leave);
  try {
    const outcome = bound ? await admitBound(deps, order, bound) : { admitted: await admitOrder(deps, order, task) };
    const { taskId } = task;
    return { taskId, owner, model: order.model, view: submission.view, wait, preferenceApplied: applied, outcome };
  } catch (error) {
    wait?.close();
    throw error;
  }
}

/** Waits for the task of an earlier request with the same key. */
async function replay(deps: SubmitDeps, { taskId, wait }: Taken, known: ReadTaskReply): Promise<ReadTaskReply> {
  return wait ? ((await readUntilEnded(deps.read, taskId, wait, known)) ?? known) : known;
}

/** Reads the result of a task that was just admitted, if it is there or comes while the caller waits. */
async function readAdmitted(
  deps: SubmitDeps,
  { taskId, owner, wait }: Taken,
  { runId, cache }: AdmittedTask,
): Promise<ReadTaskReply | undefined> {
  // A run that the task has just created cannot have ended unheard; every other may have.
  let known: ReadTaskReply | undefined;
  if (cache !== "miss" && (wait || cache === "hit")) {
    wait?.follow(runId);
    // The task is admitted: Redis trouble is no refusal any more.
    known = await deps.read(taskId).catch(() => undefined);
  }
  return wait ? await readUntilEnded(deps.read, taskId, wait, known ?? { kind: "created", owner }) : known;
}

/** @param task the last thing read of the task; undefined if it was not read. */
function answer(
  deps: SubmitDeps,
  { taskId, owner, model, view, outcome, preferenceApplied }: Taken,
  task: ReadTaskReply | undefined,
): Response {
  const headers: Record<string, string> = {};
  if (preferenceApplied !== undefined) headers["preference-applied"] = preferenceApplied;
  if ("known" in outcome) headers["idempotent-replayed"] = "true";
  const cache = "admitted" in outcome ? outcome.admitted.cache : undefined;
  if (task && task.kind !== "open") {
    const settings = deps.settings.current().forModel(model.name);
    const known = requireTask(taskId, task, { owner, nowMs: deps.clock.epochMs(), settings });
    const body = toTaskView(taskId, known, deps.models, { view, cache });
    deps.metrics.resultRead(String(body["status"]));
    return jsonResponse(200, JSON.stringify(body), headers);
  }
  const urls = toTaskUrls(taskId);
  headers["location"] = urls.result;
  headers["retry-after"] = "1";
  return jsonResponse(202, JSON.stringify({ task_id: taskId, status: "PENDING", urls, cache }), headers);
}
