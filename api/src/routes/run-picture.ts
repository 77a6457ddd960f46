import { BrokerError, decodeFailure } from "@sluice/broker";
import { requireJsonAccepted } from "../http/acceptable.js";
import type { BodyShare } from "../http/body-intake.js";
import type { Exchange } from "../http/exchange.js";
import type { PictureForm, PictureRequest } from "../submission/picture-request.js";
import type { Submission } from "../submission/submission.js";
import { parseIdempotencyKey } from "../tasks/bind-order.js";
import { requireTask } from "../tasks/require-task.js";
import type { SubmissionRunner, TakenTask } from "../tasks/run-submission.js";
import type { CacheWord, DoneTask, KnownTask } from "../views/task-view.js";
import type { SubmitDeps } from "./submit-inference.js";

/** What a route makes of a request that is one picture with options. */
export interface PictureAsk {
  readonly submission: Submission;
  /** How long the request may wait for the result; 0: it does not. */
  readonly waitMs: number;
}

/** How a route reads its requests. */
export interface PictureRoute<Options, Ask extends PictureAsk> {
  readonly form: PictureForm<Options>;
  /** @throws BrokerError for what the route does not take */
  readonly toAsk: (request: PictureRequest<Options>) => Ask;
}

/** A picture that was run, or is being run. */
export interface RanPicture<Ask extends PictureAsk> {
  readonly ask: Ask;
  readonly taken: TakenTask;
  /** What the task says; undefined if it was not read by the end of the wait. */
  readonly task: KnownTask | undefined;
  readonly cache: CacheWord | undefined;
}

/** From a request with one picture to what its task says at the end of the wait, in the way of `POST /v1/inference`. */
export async function runPicture<Options, Ask extends PictureAsk>(
  deps: SubmitDeps,
  runner: SubmissionRunner,
  env: Exchange,
  route: PictureRoute<Options, Ask>,
): Promise<RanPicture<Ask>> {
  if (deps.isDraining()) throw new BrokerError("shutting-down", "this process is stopping; send it again");
  requireJsonAccepted(env.incoming.headers.accept);
  const share = deps.intake.open();
  let begun: { readonly ask: Ask; readonly taken: TakenTask };
  try {
    begun = await take(deps, runner, env, { route, share });
  } finally {
    share.release();
  }
  const { ask, taken } = begun;
  try {
    const read = await runner.result(taken);
    const settings = deps.settings.current().forModel(taken.model.name);
    const caller = { owner: taken.owner, nowMs: deps.clock.epochMs(), settings };
    const cache = "admitted" in taken.outcome ? taken.outcome.admitted.cache : undefined;
    return { ask, taken, task: read && requireTask(taken.taskId, read, caller), cache };
  } finally {
    taken.wait?.close();
  }
}

async function take<Options, Ask extends PictureAsk>(
  deps: SubmitDeps,
  runner: SubmissionRunner,
  env: Exchange,
  { route, share }: { readonly route: PictureRoute<Options, Ask>; readonly share: BodyShare },
): Promise<{ readonly ask: Ask; readonly taken: TakenTask }> {
  const owner = await deps.identify(env, "submit");
  const key = parseIdempotencyKey(env.incoming.headers["idempotency-key"]);
  const ask = route.toAsk(await route.form.parse(env, share, deps));
  const { submission, waitMs } = ask;
  return { ask, taken: await runner.take({ submission, owner, key, waitMs }, env.outgoing) };
}

/**
 * The result that a route promised to wait for.
 * @throws BrokerError result-timeout | shutting-down | task-ended, or why the task failed
 */
export function requireSuccess(task: KnownTask | undefined, isDraining: boolean): DoneTask {
  if (task?.kind === "done") {
    if (task.state === "SUCCESS") return task;
    const { code, message } = decodeFailure(task.error);
    throw new BrokerError(code, message);
  }
  if (task?.kind === "left" && task.state === "CANCELED") {
    throw new BrokerError("task-ended", "the task was canceled");
  }
  if (isDraining && task?.kind !== "left") {
    throw new BrokerError("shutting-down", "this process is stopping; send it again");
  }
  throw new BrokerError("result-timeout", "the result did not come in time");
}
