import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/drop-lane.lua`. */
export const dropLaneScript = defineScript({
  name: "drop-lane",
  keys: ["ready", "lanes"],
  args: ["lane"],
  parse: (reply) => asNumber(reply) === 1,
});
