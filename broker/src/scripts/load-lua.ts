import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** `lua/` lies beside `src/` and `dist/`, so this path is right from both. */
const LUA_FOLDER = new URL("../../lua/", import.meta.url);

/** A script as Redis gets it. */
export interface LuaSource {
  readonly text: string;
  /** Its name in Redis' script cache. */
  readonly sha1: string;
}

/**
 * Reads `lua/NAME.lua` and puts in the parts that it names with `-- @include PART` (from `lua/parts/`), each once.
 * @throws Error if a file is missing.
 */
export function loadLua(name: string): LuaSource {
  const included = new Set<string>();
  const expand = (text: string): string =>
    text.replace(/^-- @include (\S+)$/gm, (_line, part: string) => {
      if (included.has(part)) return "";
      included.add(part);
      return expand(readFileSync(new URL(`parts/${part}.lua`, LUA_FOLDER), "utf8"));
    });
  const text = expand(readFileSync(new URL(`${name}.lua`, LUA_FOLDER), "utf8"));
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}
