import type { HttpReply } from "../load/http-connections.js";
import type { TaskInput } from "../load/task-input.js";

/**
 * What became of a task, as its caller sees it:
 * `in-time`: its result came within its deadline, counted from when it was sent;
 * `late`: accepted, but its result came later, or not while the caller waited;
 * `expired`: accepted, and given up by Sluice;
 * `refused`: 503 for being too much, with a Retry-After of a second at least;
 * `misrefused`: any other refusal;
 * `failed`, `wrong`: accepted, with an answer that is none, or not the right one.
 */
export const OUTCOMES = ["in-time", "late", "expired", "refused", "misrefused", "failed", "wrong"] as const;
/** One of them. */
export type Outcome = (typeof OUTCOMES)[number];

/** What a task was promised, and how long its answer took. */
export interface Attempt {
  readonly input: TaskInput;
  readonly deadlineMs: number;
  readonly tookMs: number;
  /** Whether the result is compared with the right one. */
  readonly check: boolean;
}

/** Codes of refusals that say: too much work at the moment. */
const TOO_MUCH = ["deadline-unattainable", "queue-full", "overloaded"];

/** Judges one answer to a submission that waited. Pure. */
export function outcomeOf(reply: HttpReply, { input, deadlineMs, tookMs, check }: Attempt): Outcome {
  if (reply.status === 202) return "late";
  if (reply.status !== 200) return isDueRefusal(reply) ? "refused" : "misrefused";
  if (reply.body.includes('"status":"EXPIRED"')) return "expired";
  if (!reply.body.includes('"status":"SUCCESS"')) return "failed";
  if (check && !input.isRight(outputOf(reply))) return "wrong";
  return tookMs <= deadlineMs ? "in-time" : "late";
}

/** The code of a refusal, if it has one. */
export function codeOf(reply: HttpReply): string {
  return /"code":"([a-z-]+)"/.exec(reply.body.toString("latin1"))?.[1] ?? "none";
}

function isDueRefusal(reply: HttpReply): boolean {
  const retryAfter = reply.headers["retry-after"];
  const waitsASecond = typeof retryAfter === "string" && /^\d+$/.test(retryAfter) && Number(retryAfter) >= 1;
  return reply.status === 503 && waitsASecond && TOO_MUCH.includes(codeOf(reply));
}

function outputOf(reply: HttpReply): unknown {
  const answer: unknown = JSON.parse(reply.body.toString("utf8"));
  return typeof answer === "object" && answer !== null && "output" in answer ? answer.output : undefined;
}
