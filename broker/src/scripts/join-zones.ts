import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/join-zones.lua`. */
export const joinZonesScript = defineScript({
  name: "join-zones",
  keys: ["zones"],
  args: ["zone..."],
  parse: asNumber,
});
