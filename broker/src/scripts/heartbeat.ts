import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/heartbeat.lua`. */
export const heartbeatScript = defineScript({
  name: "heartbeat",
  keys: ["slots"],
  args: ["channel", "message", "forgetMs", "slot..."],
  parse: asNumber,
});
