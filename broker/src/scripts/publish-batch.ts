import { defineScript } from "./define-script.js";
import { asList, asNumber, asText, asWord } from "./parse-reply.js";

/** Published, or no credit is free. `used` of `credits` notices are in the pool now. */
export type PublishReply =
  | { readonly kind: "published"; readonly noticeId: string; readonly used: number; readonly credits: number }
  | { readonly kind: "no-credit"; readonly used: number; readonly credits: number };

/** `lua/publish-batch.lua`. */
export const publishBatchScript = defineScript({
  name: "publish-batch",
  keys: ["notices", "otherNotices", "slots"],
  args: ["aliveMs", "prefetch", "payload"],
  parse(reply): PublishReply {
    const [word, ...rest] = asList(reply);
    const kind = asWord(word, ["published", "no-credit"]);
    if (kind === "no-credit") return { kind, used: asNumber(rest[0]), credits: asNumber(rest[1]) };
    return { kind, noticeId: asText(rest[0]), used: asNumber(rest[1]), credits: asNumber(rest[2]) };
  },
});
