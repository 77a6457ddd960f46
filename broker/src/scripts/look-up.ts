import { defineScript } from "./define-script.js";
import { asList, asNumber, asWord } from "./parse-reply.js";

/** What became of a published reference. */
export type LookUpReply =
  { readonly kind: "closed" | "ready" | "apart" } | { readonly kind: "leased"; readonly remainingMs: number };

/** `lua/look-up.lua`. */
export const lookUpScript = defineScript({
  name: "look-up",
  keys: ["run..."],
  args: ["maxDeaths"],
  parse: (reply): LookUpReply[] =>
    asList(reply).map((item) => {
      const [word, value] = asList(item);
      const kind = asWord(word, ["closed", "leased", "ready", "apart"]);
      return kind === "leased" ? { kind, remainingMs: asNumber(value) } : { kind };
    }),
});
