import { defineScript } from "./define-script.js";
import { asList, asText, asWord } from "./parse-reply.js";

/** Who owns the shard after the call. */
export type OwnShardReply =
  { readonly kind: "owned" | "acquired" | "released" | "free" } | { readonly kind: "other"; readonly batcher: string };

/** `lua/own-shard.lua`. */
export const ownShardScript = defineScript({
  name: "own-shard",
  keys: ["owner"],
  args: ["batcher", "leaseMs", "wanted"],
  parse(reply): OwnShardReply {
    const [word, batcher] = asList(reply);
    const kind = asWord(word, ["owned", "acquired", "released", "free", "other"]);
    return kind === "other" ? { kind, batcher: asText(batcher) } : { kind };
  },
});
