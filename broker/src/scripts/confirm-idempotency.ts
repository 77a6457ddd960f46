import { defineScript } from "./define-script.js";
import { asWord } from "./parse-reply.js";

/** `lua/confirm-idempotency.lua`. */
export const confirmIdempotencyScript = defineScript({
  name: "confirm-idempotency",
  keys: ["idempotency"],
  args: ["taskId"],
  parse: (reply) => asWord(reply, ["confirmed", "not-bound"]),
});
