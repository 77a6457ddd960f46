import { defineScript } from "./define-script.js";
import { asList, asNumber, asText, asWord } from "./parse-reply.js";

/** Who an Idempotency-Key belongs to, and the number of the attempt that holds it. */
export type ClaimIdempotencyReply =
  | { readonly kind: "new"; readonly attempt: number }
  | {
      readonly kind: "taken-over" | "in-progress" | "admitted";
      readonly attempt: number;
      readonly fingerprint: string;
      readonly taskId: string;
      readonly version: string;
      readonly remembered: boolean;
    };

/** `lua/claim-idempotency.lua`. */
export const claimIdempotencyScript = defineScript({
  name: "claim-idempotency",
  keys: ["idempotency"],
  args: ["fingerprint", "taskId", "version", "takeOverMs", "ttlMs", "keptMs", "attempt"],
  parse(reply): ClaimIdempotencyReply {
    const [word, number, fingerprint, taskId, version, remembered] = asList(reply);
    const kind = asWord(word, ["new", "taken-over", "in-progress", "admitted"]);
    const attempt = asNumber(number);
    if (kind === "new") return { kind, attempt };
    const task = { fingerprint: asText(fingerprint), taskId: asText(taskId), version: asText(version) };
    return { kind, attempt, ...task, remembered: asNumber(remembered) === 1 };
  },
});
