import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { BrokerError, type ReadTaskReply } from "@sluice/broker";
import { randomUUID } from "node:crypto";
import type { Exchange } from "../http/exchange.js";
import { type EventStream, openEventStream } from "../http/event-stream.js";
import { toProblem } from "../http/problem.js";
import { pathOf } from "../http/route.js";
import { whenGone } from "../http/when-gone.js";
import type { ViewOptions } from "../submission/submission.js";
import type { TaskWait } from "../tasks/task-waits.js";
import { type KnownTask, toTaskView } from "../views/task-view.js";
import type { ReadResultDeps } from "./read-result.js";

/** A stream that nothing ends goes on for so long; the client connects again. */
const MAX_STREAM_MS = 3_600_000;

/** A task whose events are wanted. */
export interface StreamedTask {
  readonly taskId: string;
  readonly owner: string;
  readonly view: ViewOptions;
  /** What the caller may see of a reply. @throws BrokerError */
  readonly check: (reply: ReadTaskReply) => KnownTask;
}

/**
 * Answers a request for a task with events: `status` when its stage changes, `done` with the result whatever it is, or
 * `error` with a problem if it cannot be told any more; then the stream ends. The id of an event is the stage or state
 * that it tells, so whoever comes back with `Last-Event-ID` is told what is new, and 204 (which ends an EventSource) if
 * nothing can be. @throws BrokerError before the stream has begun
 */
export async function streamResult(
  deps: ReadResultDeps,
  { incoming, outgoing }: Exchange,
  task: StreamedTask,
): Promise<Response> {
  const lastId = incoming.headers["last-event-id"];
  const wait = deps.waits.open(task.taskId, MAX_STREAM_MS, task.owner);
  whenGone(outgoing, wait.leave);
  try {
    const first = task.check(await deps.read(task.taskId));
    if (stageOf(first) === lastId && first.kind !== "open") return new Response(null, { status: 204 });
    const stream = openEventStream(outgoing);
    try {
      await follow(deps, stream, { ...task, wait, first, told: String(lastId) });
    } catch (error) {
      const failure = BrokerError.from(error, "internal", "a bug");
      const { problem } = toProblem(failure, { instance: pathOf({ incoming }), requestId: randomUUID() });
      stream.send({ event: "error", id: problem.code, data: JSON.stringify(problem) });
    }
    stream.end();
    return RESPONSE_ALREADY_SENT;
  } finally {
    wait.close();
  }
}

interface FollowedTask extends StreamedTask {
  readonly wait: TaskWait;
  readonly first: KnownTask;
  /** The id of the last event that the client has. */
  readonly told: string;
}

/** Tells what is new until the task has ended or the wait does. @throws BrokerError the task may not be seen any more */
async function follow(deps: ReadResultDeps, stream: EventStream, task: FollowedTask): Promise<void> {
  const { taskId, wait } = task;
  let { first: known, told } = task;
  for (;;) {
    const stage = stageOf(known);
    if (stage !== told) {
      const view = toTaskView(taskId, known, deps.models, { view: task.view });
      stream.send({ event: known.kind === "open" ? "status" : "done", id: stage, data: JSON.stringify(view) });
      if (known.kind !== "open") deps.metrics.resultRead(stage);
      told = stage;
    }
    if (known.kind !== "open") return;
    // On a run that was not listened to until now it may have ended in between.
    if (known.runId !== wait.runId) wait.follow(known.runId);
    else if ((await wait.next()) !== "look") return;
    known = (await readAgain(deps, task)) ?? known;
  }
}

/** @returns undefined while Redis is in trouble, and at the end of the wait. */
async function readAgain(deps: ReadResultDeps, { taskId, wait, check }: FollowedTask): Promise<KnownTask | undefined> {
  try {
    const reply = await wait.unlessEnded(deps.read(taskId));
    return reply && check(reply);
  } catch (error) {
    if (error instanceof BrokerError && error.code === "storage-unavailable") return undefined;
    throw error;
  }
}

/** What changes in the life of a task: queued, running, then its state. */
function stageOf(task: KnownTask): string {
  if (task.kind === "open") return task.leaseMs > 0 ? "running" : "queued";
  return task.state;
}
