import { BrokerError, parseTaskId } from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { parseQuery } from "../http/query.js";
import { submissionOptions } from "../submission/submission.js";
import { parseTextOptions } from "../submission/text-options.js";
import { requireTask } from "../tasks/require-task.js";
import { toRecognitionView } from "../views/recognition-view.js";
import type { ReadResultDeps } from "./read-result.js";

/** `GET /v1/recognize/{request_id}`: what became of a request that was pending. */
export function readRecognition(deps: ReadResultDeps): Handler {
  return async (c) => {
    const { incoming } = c.env;
    requireJsonAccepted(incoming.headers.accept);
    const owner = await deps.identify(c.env, "read");
    const requestId = c.req.param("request_id") ?? "";
    if (!parseTaskId(requestId)) throw new BrokerError("task-not-found", "there is no such task");
    const { confidence_threshold: asked } = parseQuery(incoming.url, ["confidence_threshold"]);
    const { threshold } = asked === undefined ? {} : parseTextOptions(submissionOptions, { threshold: asked });
    const settings = deps.settings.current().forAll;
    const task = requireTask(requestId, await deps.read(requestId), { owner, nowMs: deps.clock.epochMs(), settings });
    const body = toRecognitionView(requestId, task, deps.models, { threshold });
    if (task.kind === "open") return jsonResponse(200, JSON.stringify(body), { "retry-after": "1" });
    deps.metrics.resultRead(task.state);
    return jsonResponse(200, JSON.stringify(body));
  };
}
