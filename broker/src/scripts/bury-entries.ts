import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/bury-entries.lua`. */
export const buryEntriesScript = defineScript({
  name: "bury-entries",
  keys: ["ready", "dead"],
  args: ["lane", "reason", "error", "maxBytes", "entryId..."],
  parse: asNumber,
});
