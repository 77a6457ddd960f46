import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/open-lane.lua`. */
export const openLaneScript = defineScript({
  name: "open-lane",
  keys: ["ready", "lanes"],
  args: ["lane"],
  parse: asNumber,
});
