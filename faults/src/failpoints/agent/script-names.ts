import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The scripts of the copied programs, by the SHA-1 under which they are called.
 * @param programs the folder that holds `broker/`.
 */
export async function readScriptNames(programs: string): Promise<ReadonlyMap<string, string>> {
  const loader = pathToFileURL(join(programs, "broker", "dist", "scripts", "load-lua.js")).href;
  const { loadLua } = (await import(loader)) as { loadLua: (name: string) => { readonly sha1: string } };
  return new Map((await listScripts(programs)).map((name) => [loadLua(name).sha1, name]));
}

/** Names of all scripts. */
export async function listScripts(programs: string): Promise<string[]> {
  const files = await readdir(join(programs, "broker", "lua"));
  return files.flatMap((file) => (file.endsWith(".lua") ? [file.slice(0, -".lua".length)] : [])).sort();
}
