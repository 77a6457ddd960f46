import {
  BrokerError,
  type Clock,
  type LiveSettings,
  type ModelRegistry,
  parseTaskId,
  type ReadTaskReply,
} from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import { wantsEvents } from "../http/event-stream.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { parseQuery, type Query } from "../http/query.js";
import { parseWaitPreference } from "../http/wait-preference.js";
import { whenGone } from "../http/when-gone.js";
import type { Identify } from "../identity/identify.js";
import type { ApiMetrics } from "../metrics.js";
import { submissionOptions, type ViewOptions } from "../submission/submission.js";
import { parseTextOptions } from "../submission/text-options.js";
import { type ReadTask, readUntilEnded } from "../tasks/read-until-ended.js";
import { requireTask } from "../tasks/require-task.js";
import type { TaskWaits } from "../tasks/task-waits.js";
import { type KnownTask, toTaskView } from "../views/task-view.js";
import { streamResult } from "./stream-result.js";

/** What the route needs. */
export interface ReadResultDeps {
  readonly read: ReadTask;
  readonly waits: TaskWaits;
  readonly models: ModelRegistry;
  readonly settings: Pick<LiveSettings, "current">;
  readonly identify: Identify;
  readonly metrics: ApiMetrics;
  readonly clock: Clock;
}

/**
 * `GET /v1/result/{task_id}`: what the task says now, or as soon as it has ended while the caller waits; with
 * `Accept: text/event-stream` all that happens to it, as events.
 */
export function readResult(deps: ReadResultDeps): Handler {
  return async (c) => {
    const { incoming, outgoing } = c.env;
    const { accept } = incoming.headers;
    const events = wantsEvents(accept);
    if (!events) requireJsonAccepted(accept);
    const owner = await deps.identify(c.env, "read");
    const taskId = c.req.param("task_id") ?? "";
    if (!parseTaskId(taskId)) throw new BrokerError("task-not-found", "there is no such task");
    const query = parseQuery(incoming.url, ["wait", "top_k", "threshold"]);
    const view = toView(query);
    const { waitMs, applied } = parseWaitPreference(incoming.headers["prefer"] as string | undefined, query["wait"]);
    const check = (reply: ReadTaskReply): KnownTask =>
      requireTask(taskId, reply, { owner, nowMs: deps.clock.epochMs(), settings: deps.settings.current().forAll });
    if (events) return await streamResult(deps, c.env, { taskId, owner, view, check });
    const wait = waitMs > 0 ? deps.waits.open(taskId, waitMs, owner) : undefined;
    if (wait) whenGone(outgoing, wait.leave);
    try {
      const first = check(await deps.read(taskId));
      const last = wait ? await readUntilEnded(deps.read, taskId, wait, first) : first;
      return answer(deps, taskId, check(last ?? first), { view, applied });
    } finally {
      wait?.close();
    }
  };
}

function answer(
  deps: ReadResultDeps,
  taskId: string,
  task: KnownTask,
  { view, applied }: { readonly view: ViewOptions; readonly applied: string | undefined },
): Response {
  const body = toTaskView(taskId, task, deps.models, { view });
  const headers: Record<string, string> = {};
  if (applied !== undefined) headers["preference-applied"] = applied;
  if (task.kind === "open") headers["retry-after"] = "1";
  else deps.metrics.resultRead(String(body["status"]));
  return jsonResponse(200, JSON.stringify(body), headers);
}

function toView({ top_k, threshold }: Query): ViewOptions {
  const given = Object.entries({ top_k, threshold }).filter(([, value]) => value !== undefined);
  if (given.length === 0) return {};
  const options = parseTextOptions(submissionOptions, Object.fromEntries(given) as Record<string, string>);
  return { topK: options.top_k, threshold: options.threshold };
}
