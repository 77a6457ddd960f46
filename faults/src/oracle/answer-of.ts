import { createHash } from "node:crypto";

/**
 * What the oracle answers to a text: nobody else's answer is the same, so crossed wires show, and no two executions
 * give the same, so a result that is stored twice shows.
 * @param serial differs for every call.
 */
export function answerOf(text: string, serial: string): string {
  return `${hashOf(text)}#${serial}`;
}

/** Whether an answer is one to this text. */
export function isAnswerTo(text: string, answer: string | undefined): boolean {
  return answer?.startsWith(`${hashOf(text)}#`) ?? false;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The oracle refuses a whole call that holds such a text, as a model does that meets a bad input. */
export function isPoison(text: string): boolean {
  return text.startsWith("poison ");
}
