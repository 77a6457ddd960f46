import { defineScript } from "./define-script.js";
import { asList, asText, asWord } from "./parse-reply.js";

/** Who an Idempotency-Key belongs to. */
export type ClaimIdempotencyReply =
  | { readonly kind: "new" }
  | {
      readonly kind: "taken-over" | "in-progress" | "admitted";
      readonly fingerprint: string;
      readonly taskId: string;
      readonly version: string;
    };

/** `lua/claim-idempotency.lua`. */
export const claimIdempotencyScript = defineScript({
  name: "claim-idempotency",
  keys: ["idempotency"],
  args: ["fingerprint", "taskId", "version", "takeOverMs", "ttlMs"],
  parse(reply): ClaimIdempotencyReply {
    const [word, fingerprint, taskId, version] = asList(reply);
    const kind = asWord(word, ["new", "taken-over", "in-progress", "admitted"]);
    if (kind === "new") return { kind };
    return { kind, fingerprint: asText(fingerprint), taskId: asText(taskId), version: asText(version) };
  },
});
