import { defineScript } from "./define-script.js";
import { asList, asNumber, asText, asWord } from "./parse-reply.js";

/** Closed: forget the reference. Open: a twin has prolonged the run. */
export type ExpireReply =
  { readonly kind: "closed"; readonly orphanBlob: string } | { readonly kind: "open"; readonly deadlineMs: number };

/** `lua/expire.lua`. */
export const expireScript = defineScript({
  name: "expire",
  keys: ["run..."],
  args: ["marginMs", "runId..."],
  parse: (reply): ExpireReply[] =>
    asList(reply).map((item) => {
      const [word, value] = asList(item);
      const kind = asWord(word, ["closed", "open"]);
      return kind === "closed" ? { kind, orphanBlob: asText(value) } : { kind, deadlineMs: asNumber(value) };
    }),
});
