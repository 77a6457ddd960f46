import { defineScript } from "./define-script.js";
import { asList, asNumber, asText, asWord } from "./parse-reply.js";

/**
 * What became of an admission: a new run, an open one, a kept result, this very task again, or no room. `depth` is how
 * many entries the ready stream has: for `full` those of the limit that was met, which may be the tasks of a run.
 */
export type AdmitReply =
  | { readonly kind: "created"; readonly runId: string; readonly depth: number }
  | { readonly kind: "joined" | "kept" | "again"; readonly runId: string }
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
    const [word, value, number] = asList(reply);
    const kind = asWord(word, ["created", "joined", "kept", "again", "full"]);
    if (kind === "full") return { kind, depth: asNumber(value), limit: asNumber(number) };
    if (kind === "created") return { kind, runId: asText(value), depth: asNumber(number) };
    return { kind, runId: asText(value) };
  },
});
