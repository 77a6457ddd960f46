import { mkdir, open } from "node:fs/promises";
import path from "node:path";

/**
 * Makes folders that outlive a loss of power: a folder is an entry of the one above it, which must be forced to the
 * disk as well. Another process may have made them a moment ago, so each is forced once by this one, too.
 */
export function makeForcedFolder(): (folder: string) => Promise<void> {
  const forced = new Map<string, Promise<void>>();
  const force = async (folder: string, made: string): Promise<void> => {
    // The two above it, or as many as hold one that was made now.
    const held = path.dirname(path.dirname(folder));
    const top = path.dirname(made).length < held.length ? path.dirname(made) : held;
    for (let above = folder; above !== top && above !== path.dirname(above);) {
      above = path.dirname(above);
      await forceFolder(above);
    }
  };
  return async (name) => {
    const folder = path.resolve(name);
    const made = await mkdir(folder, { recursive: true });
    const known = made === undefined ? forced.get(folder) : undefined;
    const forcing = known ?? force(folder, path.resolve(made ?? folder));
    forced.set(folder, forcing);
    try {
      await forcing;
    } catch (error) {
      forced.delete(folder);
      throw error;
    }
  };
}

/** Forces the entries of a folder (names that were made or renamed there) to the disk. */
export async function forceFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
