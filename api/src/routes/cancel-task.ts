import {
  BrokerError,
  cancelTask,
  type Clock,
  type ConfirmedWrites,
  type LiveSettings,
  parseTaskId,
} from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import type { Identify } from "../identity/identify.js";
import { missingTask } from "../tasks/require-task.js";
import type { TaskBlobs } from "../tasks/task-blobs.js";

/** What the route needs. */
export interface CancelDeps {
  readonly writes: Pick<ConfirmedWrites, "lasting">;
  readonly blobs: Pick<TaskBlobs, "retire">;
  readonly settings: Pick<LiveSettings, "current">;
  readonly identify: Identify;
  readonly clock: Clock;
}

/**
 * `POST /v1/tasks/{task_id}/cancel`: takes the task off its run; equal tasks go on. Idempotent: 200 again where it is
 * canceled already, 409 where it ended otherwise.
 */
export function cancelOneTask(deps: CancelDeps): Handler {
  return async (c) => {
    const { incoming } = c.env;
    requireJsonAccepted(incoming.headers.accept);
    const owner = await deps.identify(c.env, "submit");
    const taskId = c.req.param("task_id") ?? "";
    const parsed = parseTaskId(taskId);
    if (!parsed) throw new BrokerError("task-not-found", "there is no such task");
    const reply = await deps.writes.lasting(parsed.shard, (redis) => cancelTask(redis, taskId, owner));
    switch (reply.kind) {
      case "none":
        throw missingTask(taskId, deps.settings.current().forAll, deps.clock.epochMs());
      case "gone":
        throw new BrokerError("result-expired", "the result is no longer kept");
      case "ended":
        throw new BrokerError("task-ended", `the task is ${reply.state} already`);
      case "canceled":
        if (reply.orphanBlob !== "") deps.blobs.retire(reply.orphanBlob);
        return jsonResponse(200, JSON.stringify({ task_id: taskId, status: "CANCELED" }));
    }
  };
}
