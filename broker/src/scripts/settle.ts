import { defineScript } from "./define-script.js";
import { asList, asWord } from "./parse-reply.js";

/** Settled, or closed already: the first result stays. */
export type SettleReply = "settled" | "closed";

/** `lua/settle.lua`. `row...` holds five values per run: runId, state, value, record, reason. */
export const settleScript = defineScript({
  name: "settle",
  keys: ["run..."],
  args: ["keepMs", "row..."],
  parse: (reply): SettleReply[] => asList(reply).map((word) => asWord(word, ["settled", "closed"])),
});
