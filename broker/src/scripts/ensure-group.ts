import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/ensure-group.lua`. */
export const ensureGroupScript = defineScript({
  name: "ensure-group",
  keys: ["stream"],
  args: ["group"],
  parse: asNumber,
});
