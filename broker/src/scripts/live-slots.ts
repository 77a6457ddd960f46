import { defineScript } from "./define-script.js";
import { asList, asText } from "./parse-reply.js";

/** `lua/live-slots.lua`. */
export const liveSlotsScript = defineScript({
  name: "live-slots",
  keys: ["slots"],
  args: ["aliveMs"],
  parse: (reply) => asList(reply).map(asText),
});
