import { defineScript } from "./define-script.js";
import { asWord } from "./parse-reply.js";

/** `lua/finish-batch.lua`. */
export const finishBatchScript = defineScript({
  name: "finish-batch",
  keys: ["notices"],
  args: ["slot", "noticeId", "channel", "message"],
  parse: (reply) => asWord(reply, ["finished", "stale"]),
});
