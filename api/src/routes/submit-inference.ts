import { BrokerError, type LiveSettings, type ReadTaskReply } from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { BodyIntake, BodyShare } from "../http/body-intake.js";
import type { Exchange, Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { parseWaitPreference } from "../http/wait-preference.js";
import type { Identify } from "../identity/identify.js";
import type { ApiMetrics } from "../metrics.js";
import type { ImageSources } from "../submission/fetch-input.js";
import { parseSubmission } from "../submission/parse-submission.js";
import type { ViewOptions } from "../submission/submission.js";
import { parseIdempotencyKey } from "../tasks/bind-order.js";
import { requireTask } from "../tasks/require-task.js";
import {
  createSubmissionRunner,
  type RunDeps,
  type SubmissionRunner,
  type TakenTask,
} from "../tasks/run-submission.js";
import { toTaskUrls, toTaskView } from "../views/task-view.js";

/** What the routes that take submissions need. */
export interface SubmitDeps extends RunDeps, ImageSources {
  readonly settings: Pick<LiveSettings, "current">;
  readonly intake: BodyIntake;
  readonly identify: Identify;
  readonly metrics: ApiMetrics;
  readonly isDraining: () => boolean;
}

/** A taken submission, and how its answer is to look. */
interface Taken {
  readonly task: TakenTask;
  readonly view: ViewOptions;
  readonly preferenceApplied: string | undefined;
}

/**
 * `POST /v1/inference`: admits one task. Answers 202 with its id, or 200 with its result where that was kept, or came
 * within the time that the caller wants to wait.
 */
export function submitInference(deps: SubmitDeps): Handler {
  const runner = createSubmissionRunner(deps);
  return async ({ env }) => {
    if (deps.isDraining()) throw new BrokerError("shutting-down", "this process is stopping; send it again");
    requireJsonAccepted(env.incoming.headers.accept);
    const share = deps.intake.open();
    let taken: Taken;
    try {
      taken = await take(deps, runner, env, share);
    } finally {
      share.release();
    }
    // A caller may wait for a minute: nothing from here on refers to the body.
    try {
      return answer(deps, taken, await runner.result(taken.task));
    } finally {
      taken.task.wait?.close();
    }
  };
}

/** Reads the body, and admits the task that it asks for. */
async function take(deps: SubmitDeps, runner: SubmissionRunner, env: Exchange, share: BodyShare): Promise<Taken> {
  const { headers } = env.incoming;
  const owner = await deps.identify(env, "submit");
  const key = parseIdempotencyKey(headers["idempotency-key"]);
  const { submission, queryWait } = await parseSubmission(env, share, deps);
  const { waitMs, applied } = parseWaitPreference(headers["prefer"] as string | undefined, queryWait);
  const task = await runner.take({ submission, owner, key, waitMs }, env.outgoing);
  return { task, view: submission.view, preferenceApplied: applied };
}

/** @param read the last thing read of the task; undefined if it was not read. */
function answer(
  deps: SubmitDeps,
  { task: { taskId, owner, model, outcome }, view, preferenceApplied }: Taken,
  read: ReadTaskReply | undefined,
): Response {
  const headers: Record<string, string> = {};
  if (preferenceApplied !== undefined) headers["preference-applied"] = preferenceApplied;
  if ("known" in outcome) headers["idempotent-replayed"] = "true";
  const cache = "admitted" in outcome ? outcome.admitted.cache : undefined;
  if (read && read.kind !== "open") {
    const settings = deps.settings.current().forModel(model.name);
    const known = requireTask(taskId, read, { owner, nowMs: deps.clock.epochMs(), settings });
    const body = toTaskView(taskId, known, deps.models, { view, cache });
    deps.metrics.resultRead(String(body["status"]));
    return jsonResponse(200, JSON.stringify(body), headers);
  }
  const urls = toTaskUrls(taskId);
  headers["location"] = urls.result;
  headers["retry-after"] = "1";
  return jsonResponse(202, JSON.stringify({ task_id: taskId, status: "PENDING", urls, cache }), headers);
}
