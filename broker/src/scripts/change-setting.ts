import { defineScript } from "./define-script.js";
import { asWord } from "./parse-reply.js";

/** `lua/change-setting.lua`. */
export const changeSettingScript = defineScript({
  name: "change-setting",
  keys: ["config", "log"],
  args: ["by", "field", "operation", "value", "keepEntries", "expected..."],
  parse: (reply) => asWord(reply, ["changed", "moved"]),
});
