import type { Clock, ModelDefinition, ModelRegistry, ReadTaskReply } from "@sluice/broker";
import type { ServerResponse } from "node:http";
import { whenGone } from "../http/when-gone.js";
import type { Submission } from "../submission/submission.js";
import { admitBound } from "./admit-bound.js";
import { type AdmitDeps, type AdmittedTask, admitOrder } from "./admit-order.js";
import { type BindDeps, bindOrder, type PlanOrder } from "./bind-order.js";
import { createEntropy } from "./entropy.js";
import { planTask, toOrder } from "./plan-task.js";
import { type ReadTask, readUntilEnded } from "./read-until-ended.js";
import type { TaskWait, TaskWaits } from "./task-waits.js";

/** What running submissions needs. */
export interface RunDeps extends AdmitDeps, BindDeps {
  /** Of the tasks that are submitted here. */
  readonly zone: string;
  readonly writes: AdmitDeps["writes"] & BindDeps["writes"];
  readonly models: ModelRegistry;
  readonly waits: TaskWaits;
  readonly read: ReadTask;
  readonly clock: Clock;
}

/** Who wants what, and for how long. */
export interface AskedSubmission {
  readonly submission: Submission;
  readonly owner: string;
  /** Its Idempotency-Key, if it has one. */
  readonly key: string | undefined;
  /** 0: the caller does not wait. */
  readonly waitMs: number;
}

/** A submission that was taken: all that its answer needs, without its body. */
export interface TakenTask {
  readonly taskId: string;
  readonly owner: string;
  readonly model: ModelDefinition;
  /** How it was admitted; or what it says, where an earlier request with the same Idempotency-Key was. */
  readonly outcome: { readonly admitted: AdmittedTask } | { readonly known: ReadTaskReply };
  /** Opened before the task was admitted; undefined: the caller does not wait. Close it when all is done. */
  readonly wait: TaskWait | undefined;
}

/** From a submission to the end of its task, for every route that takes one. */
export interface SubmissionRunner {
  /**
   * Admits one task.
   * @param outgoing of the caller: a wait ends when it closes.
   * @throws BrokerError see `toOrder`, `bindOrder` and `admitOrder`
   */
  take(asked: AskedSubmission, outgoing: ServerResponse): Promise<TakenTask>;
  /** Reads the result, if it is there or comes while the caller waits; undefined if the task was not read. */
  result(taken: TakenTask): Promise<ReadTaskReply | undefined>;
}

/** Runs submissions: order, plan, admission, wait. */
export function createSubmissionRunner(deps: RunDeps): SubmissionRunner {
  const entropy = createEntropy();
  return {
    async take({ submission, owner, key, waitMs }, outgoing) {
      const order = toOrder(submission, { owner, key, zone: deps.zone }, deps.models);
      const plan: PlanOrder = (asked) => planTask(asked, deps.clock.epochMs(), entropy);
      const bound = key === undefined ? undefined : await bindOrder(deps, order, key, plan);
      const task = bound?.task ?? plan(order);
      const wait = waitMs > 0 ? deps.waits.open(task.taskId, waitMs, owner) : undefined;
      if (wait) whenGone(outgoing, wait.leave);
      try {
        const outcome = bound
          ? await admitBound(deps, order, bound)
          : { admitted: await admitOrder(deps, order, task) };
        return { taskId: task.taskId, owner, model: order.model, outcome, wait };
      } catch (error) {
        wait?.close();
        throw error;
      }
    },
    result: (taken) =>
      "admitted" in taken.outcome
        ? readAdmitted(deps, taken, taken.outcome.admitted)
        : replay(deps, taken, taken.outcome.known),
  };
}

/** Waits for the task of an earlier request with the same key. */
async function replay(deps: RunDeps, { taskId, wait }: TakenTask, known: ReadTaskReply): Promise<ReadTaskReply> {
  return wait ? ((await readUntilEnded(deps.read, taskId, wait, known)) ?? known) : known;
}

async function readAdmitted(
  deps: RunDeps,
  { taskId, owner, wait }: TakenTask,
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
