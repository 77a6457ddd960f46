import { defineScript } from "./define-script.js";
import { asList, asNumber, asText, asWord } from "./parse-reply.js";

/** What became of an admission: a new run, an open one, a kept result, this very task again, or no room. */
export type AdmitReply =
  | { readonly kind: "created" | "joined" | "kept" | "again"; readonly runId: string }
  | { readonly kind: "full"; readonly depth: number; readonly limit: number };

/** `lua/admit.lua`. */
export const admitScript = defineScript({
  name: "admit",
  keys: ["task", "run", "digest", "ready"],
  args: [
    "taskId",
    "owner",
    "ttlMs",
    "lane",
    "digest",
    "cost",
    "signature",
    "inputField",
    "input",
    "maxDepth",
    "maxTwins",
    "taskKeepMs",
    "pointerMs",
    "resultKeepMs",
  ],
  parse(reply): AdmitReply {
    const [word, value, limit] = asList(reply);
    const kind = asWord(word, ["created", "joined", "kept", "again", "full"]);
    if (kind === "full") return { kind, depth: asNumber(value), limit: asNumber(limit) };
    return { kind, runId: asText(value) };
  },
});
