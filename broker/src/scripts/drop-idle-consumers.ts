import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/drop-idle-consumers.lua`. */
export const dropIdleConsumersScript = defineScript({
  name: "drop-idle-consumers",
  keys: ["stream"],
  args: ["group", "idleMs"],
  parse: asNumber,
});
