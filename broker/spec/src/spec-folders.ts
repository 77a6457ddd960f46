import { projectFolders } from "@sluice/stack";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Where the specifications lie, and what checking them writes. */
export const specFolders = {
  modules: join(projectFolders.root, "broker", "spec"),
  written: join(projectFolders.written, "spec"),
} as const;

/** The names of all modules. */
export async function moduleFiles(): Promise<string[]> {
  const files = await readdir(specFolders.modules);
  return files.filter((file) => file.endsWith(".tla")).sort();
}
