import { createHash } from "node:crypto";

/** What the oracle answers to a text: nobody else's answer is the same, so crossed wires show. */
export function answerOf(text: string): string {
  return `a:${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

/** The oracle refuses a whole call that holds such a text, as a model does that meets a bad input. */
export function isPoison(text: string): boolean {
  return text.startsWith("poison ");
}
