import { defineScript } from "./define-script.js";
import { asNumber } from "./parse-reply.js";

/** `lua/touch.lua`. */
export const touchScript = defineScript({ name: "touch", keys: ["probe"], args: ["keepMs"], parse: asNumber });
