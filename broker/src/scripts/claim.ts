import { defineScript, type Reply } from "./define-script.js";
import { asBytes, asList, asNumber, asWord } from "./parse-reply.js";

/** What a slot got of one run. */
export type ClaimReply =
  | { readonly kind: "closed" | "late" | "apart" | "dead" }
  | { readonly kind: "leased"; readonly remainingMs: number }
  | {
      readonly kind: "claimed";
      readonly attempts: number;
      readonly inputKind: "input" | "blob";
      readonly input: Buffer;
    };

/** `lua/claim.lua`. */
export const claimScript = defineScript({
  name: "claim",
  keys: ["run..."],
  args: ["slot", "batchId", "leaseMs", "aloneInProcess", "maxDeaths", "maxAloneDeaths", "keepMs", "runId..."],
  parse(reply): { nowMs: number; runs: ClaimReply[] } {
    const [now, ...runs] = asList(reply);
    return { nowMs: asNumber(now), runs: runs.map(parseRun) };
  },
});

function parseRun(reply: Reply): ClaimReply {
  const [word, first, second, third] = asList(reply);
  const kind = asWord(word, ["closed", "late", "apart", "dead", "leased", "claimed"]);
  if (kind === "leased") return { kind, remainingMs: asNumber(first) };
  if (kind !== "claimed") return { kind };
  return { kind, attempts: asNumber(first), inputKind: asWord(second, ["input", "blob"]), input: asBytes(third) };
}
