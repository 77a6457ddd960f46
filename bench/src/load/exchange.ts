import type { HttpConnections, HttpReply } from "./http-connections.js";
import type { TaskInput } from "./task-input.js";

/**
 * What a client does for one task:
 * `once`: one POST, answered 200 (the floors);
 * `submit-and-wait`: one POST with `Prefer: wait`, which is answered when the task has ended;
 * `submit-then-poll`: POST, then a GET that waits for the result.
 */
export type ExchangeName = "once" | "submit-and-wait" | "submit-then-poll";

/** Why a task does not count: `wrong` has an answer that is not the right one, `failed` has none. */
export interface TaskProblem {
  readonly kind: "wrong" | "failed";
  readonly detail: string;
}

/** Takes one task to its end. `check`: whether its answer is compared as well; its state always is. */
export type Exchange = (input: TaskInput, check: boolean) => Promise<TaskProblem | undefined>;

const WAIT_S = 30;
const GIVE_UP_MS = 60_000;
const SUCCESS = '"status":"SUCCESS"';

/** The exchange of this name with the server that `connections` lead to; it never rejects. */
export function createExchange(name: ExchangeName, connections: HttpConnections): Exchange {
  const exchanges = { once: askOnce, "submit-and-wait": submitAndWait, "submit-then-poll": submitThenPoll };
  const exchange = exchanges[name];
  return async (input, check) => {
    try {
      return await exchange(connections, input, check);
    } catch (error) {
      return { kind: "failed", detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
    }
  };
}

async function askOnce(connections: HttpConnections, input: TaskInput): Promise<TaskProblem | undefined> {
  const reply = await submit(connections, input, {});
  return reply.status === 200 ? undefined : refusal(reply);
}

async function submitAndWait(
  connections: HttpConnections,
  input: TaskInput,
  check: boolean,
): Promise<TaskProblem | undefined> {
  const reply = await submit(connections, input, { prefer: `wait=${WAIT_S}` });
  return reply.status === 200 ? problemOf(reply, input, check) : refusal(reply);
}

async function submitThenPoll(
  connections: HttpConnections,
  input: TaskInput,
  check: boolean,
): Promise<TaskProblem | undefined> {
  const accepted = await submit(connections, input, {});
  if (accepted.status !== 202) return refusal(accepted);
  const path = `/v1/result/${taskIdOf(accepted)}?wait=${WAIT_S}`;
  const giveUpAt = performance.now() + GIVE_UP_MS;
  for (;;) {
    const reply = await connections.request({ method: "GET", path });
    if (reply.status !== 200) return refusal(reply);
    if (!reply.body.includes('"status":"PENDING"')) return problemOf(reply, input, check);
    if (performance.now() > giveUpAt) return { kind: "failed", detail: `still pending after ${GIVE_UP_MS / 1000} s` };
  }
}

function submit(
  connections: HttpConnections,
  { path, headers, body }: TaskInput,
  extra: Record<string, string>,
): Promise<HttpReply> {
  return connections.request({ method: "POST", path, headers: { ...headers, ...extra }, body });
}

function problemOf(reply: HttpReply, input: TaskInput, check: boolean): TaskProblem | undefined {
  // A look at the bytes: parsing every answer would cost as much as asking for it.
  if (!reply.body.includes(SUCCESS)) return refusal(reply);
  if (!check) return undefined;
  const answer = parseAnswer(reply);
  if (answer.status !== "SUCCESS") return refusal(reply);
  return input.isRight(answer.output) ? undefined : { kind: "wrong", detail: startOf(reply) };
}

function taskIdOf(reply: HttpReply): string {
  const { task_id: taskId } = parseAnswer(reply);
  if (typeof taskId !== "string") throw new Error(`202 without a task id: ${startOf(reply)}`);
  return taskId;
}

function parseAnswer(reply: HttpReply): { status?: unknown; task_id?: unknown; output?: unknown } {
  const answer: unknown = JSON.parse(reply.body.toString("utf8"));
  return typeof answer === "object" && answer !== null ? answer : {};
}

function refusal(reply: HttpReply): TaskProblem {
  return { kind: "failed", detail: `${reply.status} ${startOf(reply)}` };
}

function startOf(reply: HttpReply): string {
  return reply.body.toString("utf8", 0, 300);
}
