import { defineScript } from "./define-script.js";
import { asList, asNumber, asText, asWord } from "./parse-reply.js";

/** What became of a published reference. */
export type LookUpReply =
  | { readonly kind: "ready" | "apart" }
  /** `ended` only while the run is kept. */
  | { readonly kind: "closed"; readonly ended?: "SUCCESS" | "FAILED" }
  | { readonly kind: "leased"; readonly remainingMs: number };

/** `lua/look-up.lua`. */
export const lookUpScript = defineScript({
  name: "look-up",
  keys: ["run..."],
  args: ["maxDeaths"],
  parse: (reply): LookUpReply[] =>
    asList(reply).map((item) => {
      const [word, value] = asList(item);
      const kind = asWord(word, ["closed", "leased", "ready", "apart"]);
      if (kind === "leased") return { kind, remainingMs: asNumber(value) };
      if (kind !== "closed" || asText(value) === "") return { kind };
      return { kind, ended: asWord(value, ["SUCCESS", "FAILED"]) };
    }),
});
