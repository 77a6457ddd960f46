import { defineScript } from "./define-script.js";
import { asWord } from "./parse-reply.js";

/** `lua/release-idempotency.lua`. */
export const releaseIdempotencyScript = defineScript({
  name: "release-idempotency",
  keys: ["idempotency"],
  args: ["taskId", "attempt"],
  parse: (reply) => asWord(reply, ["forgotten", "vacated", "not-held"]),
});
