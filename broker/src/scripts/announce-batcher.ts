import { defineScript } from "./define-script.js";
import { asList, asText } from "./parse-reply.js";

/** `lua/announce-batcher.lua`. */
export const announceBatcherScript = defineScript({
  name: "announce-batcher",
  keys: ["batchers"],
  args: ["batcher", "aliveMs"],
  parse: (reply) => asList(reply).map(asText),
});
