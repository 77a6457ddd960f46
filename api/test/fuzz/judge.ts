import { acceptedAnswer, problemAnswer } from "../../src/openapi/answer-schemas.js";
import { ERROR_STATUS } from "../../src/http/error-status.js";
import type { FuzzRequest } from "./requests.js";

/** An answer as it came. */
export interface FuzzAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** What is wrong with an answer: it is a bug, or not as the document says. Undefined: nothing. */
export function judge({ operation, method, path }: FuzzRequest, answer: FuzzAnswer): string | undefined {
  const { status, contentType, text } = answer;
  if (status === 500) return `500: ${text.slice(0, 200)}`;
  if (/\bat \S+ \(|node:internal|127\.0\.0\.1:\d+|ECONN|WRONGTYPE|ERR /.test(text) && contentType.includes("problem")) {
    return `tells of our inside: ${text.slice(0, 200)}`;
  }
  if (status === 304) return undefined;
  if (contentType.startsWith("application/problem+json"))
    return judgeProblem({ operation, method, path }, status, text);
  const described = operation.answers.find((each) => each.status === status);
  if (!described) return `${status} is not described`;
  if (!described.schema) return undefined;
  const result = described.schema.safeParse(JSON.parse(text));
  return result.success ? undefined : `${status} ${text.slice(0, 200)}: ${result.error.message.slice(0, 300)}`;
}

function judgeProblem(
  { operation, method, path }: Pick<FuzzRequest, "operation" | "method" | "path">,
  status: number,
  text: string,
): string | undefined {
  const result = problemAnswer.safeParse(JSON.parse(text));
  if (!result.success) return `no problem: ${text.slice(0, 200)}: ${result.error.message.slice(0, 300)}`;
  const { code } = result.data;
  if (result.data.status !== status || ERROR_STATUS[code] !== status) return `${status} is not that of ${code}`;
  // Another method or path is another route, or none.
  const isElsewhere =
    method !== operation.method.toUpperCase() || path.split("/").length > operation.path.split("/").length;
  if (isElsewhere || code === "not-found" || code === "method-not-allowed") return undefined;
  return operation.errors.includes(code) ? undefined : `${code} is not described`;
}

/** The id of the task that an answer tells, if it is of one that may still be open. */
export function admittedId({ status, text }: FuzzAnswer): string | undefined {
  if (status !== 202) return undefined;
  const result = acceptedAnswer.safeParse(JSON.parse(text));
  return result.success ? result.data.task_id : undefined;
}
