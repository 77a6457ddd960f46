import { defineScript } from "./define-script.js";
import { asList, asWord } from "./parse-reply.js";

/** `lua/unclaim.lua`. */
export const unclaimScript = defineScript({
  name: "unclaim",
  keys: ["run..."],
  args: ["slot", "batchId", "kind"],
  parse: (reply) => asList(reply).map((word) => asWord(word, ["unclaimed", "other"])),
});
