import { cp, mkdir, readdir, readFile, realpath, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { projectFolders } from "@sluice/stack";

/** A deliberate break: a piece of one file, replaced. */
export interface Patch {
  /** From the root of the checkout: `broker/lua/settle.lua`, `batcher/dist/ledger.js`. */
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** What runs: the roles, and what they import from here. */
const PACKAGES = ["api", "batcher", "gpu-worker", "broker", "proto"] as const;

/**
 * Copies the built roles, so that a build beside us changes nothing while a campaign runs, and breaks can be made that
 * the product has no switch for. Packages from elsewhere are linked.
 * @throws Error if a patch does not fit: the code that it broke has changed.
 */
export async function copyPrograms(dir: string, patches: readonly Patch[] = []): Promise<void> {
  for (const name of PACKAGES) {
    const from = join(projectFolders.root, name);
    const to = join(dir, name);
    await mkdir(to, { recursive: true });
    for (const part of await readdir(from)) {
      if (["dist", "lua", "package.json"].includes(part))
        await cp(join(from, part), join(to, part), { recursive: true });
    }
    await linkPackages(join(from, "node_modules"), join(to, "node_modules"), dir);
  }
  for (const patch of patches) await applyPatch(join(dir, patch.file), patch);
}

async function linkPackages(from: string, to: string, dir: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const names = await readdir(from).catch(() => []);
  for (const name of names.filter((one) => !one.startsWith("."))) {
    if (!name.startsWith("@")) {
      await symlink(await realpath(join(from, name)), join(to, name));
    } else if (name === "@sluice") {
      await mkdir(join(to, name));
      for (const own of await readdir(join(from, name))) await symlink(join(dir, own), join(to, name, own));
    } else {
      await linkPackages(join(from, name), join(to, name), dir);
    }
  }
}

async function applyPatch(path: string, { file, find, replace }: Patch): Promise<void> {
  const text = await readFile(path, "utf8");
  const pieces = text.split(find);
  if (pieces.length !== 2) throw new Error(`a break does not fit ${file}: found ${pieces.length - 1} times: ${find}`);
  await writeFile(path, pieces.join(replace));
}
