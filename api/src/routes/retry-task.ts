import {
  BrokerError,
  type BlobStore,
  type ConfirmedWrites,
  type DeadLetter,
  findDeadLetter,
  parseLane,
  parseTaskId,
  readTask,
  redriveDeadLetter,
  type RedisClient,
} from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { Handler } from "../http/exchange.js";
import { jsonResponse } from "../http/json-response.js";
import { type AdmitDeps, whyClosed } from "../tasks/admit-order.js";
import { requireTask } from "../tasks/require-task.js";
import { type DoneTask, toTaskUrls } from "../views/task-view.js";
import type { ReadResultDeps } from "./read-result.js";

/** What the route needs. */
export interface RetryDeps extends Pick<AdmitDeps, "pools" | "loads" | "memory">, Omit<ReadResultDeps, "waits"> {
  readonly writes: Pick<ConfirmedWrites, "lasting">;
  /** Where dead letters have their large inputs. */
  readonly blobStore: BlobStore;
}

/**
 * `POST /v1/tasks/{task_id}/retry`: takes the dead letter of a task that failed, and admits it as one new task of the
 * caller's: 202. A repeat finds the same new task. 409 for a task that did not fail, or whose input is gone.
 */
export function retryTask(deps: RetryDeps): Handler {
  return async (c) => {
    const { incoming } = c.env;
    requireJsonAccepted(incoming.headers.accept);
    const owner = await deps.identify(c.env, "submit");
    const taskId = c.req.param("task_id") ?? "";
    const parsed = parseTaskId(taskId);
    if (!parsed) throw new BrokerError("task-not-found", "there is no such task");
    const settings = deps.settings.current().forAll;
    const task = requireTask(taskId, await deps.read(taskId), { owner, nowMs: deps.clock.epochMs(), settings });
    if (task.kind !== "done" || task.state !== "FAILED") throw notRetryable("the task has not failed");
    const newId = await deps.writes.lasting(parsed.shard, (redis) => retry(deps, redis, task, owner));
    const urls = toTaskUrls(newId);
    const headers = { location: urls.result, "retry-after": "1" };
    return jsonResponse(202, JSON.stringify({ task_id: newId, status: "PENDING", urls }), headers);
  };
}

/** @returns the id of the new task, whether it was made now or by an earlier request. */
async function retry(deps: RetryDeps, redis: RedisClient, { runId }: DoneTask, owner: string): Promise<string> {
  const buried = await findDeadLetter(redis, parseTaskId(runId)?.shard ?? 0, runId);
  if (!buried) throw notRetryable(INPUT_GONE);
  if (buried.letter) await redrive(deps, redis, buried.letter, owner);
  const known = await readTask(redis, buried.redrivenTaskId);
  // A task of somebody else's may have failed with the same run, and been retried before.
  if (known.kind === "none" || known.owner !== owner) throw notRetryable(INPUT_GONE);
  return buried.redrivenTaskId;
}

async function redrive(deps: RetryDeps, redis: RedisClient, letter: DeadLetter, owner: string): Promise<void> {
  const lane = parseLane(letter.lane);
  const model = deps.models.get(lane?.model ?? "");
  if (!lane || model?.version !== lane.version) throw notRetryable("its model, or that version of it, is gone");
  const settings = deps.settings.current().forModel(model.name);
  const closed = whyClosed(deps, { model, lane, ttlMs: settings.queueTtlS * 1_000 });
  if (closed) throw closed;
  const { cacheTtlS } = model;
  try {
    const options = { owner, settings, ...(cacheTtlS === undefined ? {} : { cacheTtlS }) };
    await redriveDeadLetter(redis, deps.blobStore, letter, options);
  } catch (error) {
    const isGone = error instanceof BrokerError && error.code === "input-rejected";
    throw isGone ? notRetryable(INPUT_GONE, error) : error;
  }
}

const INPUT_GONE = "the input of this task is no longer kept";

function notRetryable(message: string, cause?: unknown): BrokerError {
  return new BrokerError("not-retryable", message, { cause });
}
