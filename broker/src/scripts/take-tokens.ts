import { defineScript } from "./define-script.js";
import { asList, asNumber } from "./parse-reply.js";

/** What a bucket gave. */
export interface TakenTokens {
  readonly granted: number;
  /** Whole tokens that are still in it. */
  readonly left: number;
  /** Until the next one; 0 if one is left. Milliseconds. */
  readonly waitMs: number;
}

/** `lua/take-tokens.lua`. */
export const takeTokensScript = defineScript({
  name: "take-tokens",
  keys: ["bucket"],
  args: ["perMinute", "burst", "wanted"],
  parse(reply): TakenTokens {
    const [granted, left, waitMs] = asList(reply);
    return { granted: asNumber(granted), left: asNumber(left), waitMs: asNumber(waitMs) };
  },
});
