import { defineScript } from "./define-script.js";
import { asList, asText, asWord } from "./parse-reply.js";

/** What became of a cancellation. `orphanBlob` is "" if there is no blob to delete. */
export type CancelReply =
  | { readonly kind: "none" | "gone" }
  | { readonly kind: "canceled"; readonly orphanBlob: string }
  | { readonly kind: "ended"; readonly state: "SUCCESS" | "FAILED" | "EXPIRED" };

/** `lua/cancel.lua`. */
export const cancelScript = defineScript({
  name: "cancel",
  keys: ["task"],
  args: ["taskId", "owner"],
  parse(reply): CancelReply {
    const [word, value] = asList(reply);
    const kind = asWord(word, ["none", "gone", "canceled", "ended"]);
    if (kind === "canceled") return { kind, orphanBlob: asText(value) };
    if (kind === "ended") return { kind, state: asWord(value, ["SUCCESS", "FAILED", "EXPIRED"]) };
    return { kind };
  },
});
