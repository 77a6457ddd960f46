import { access, constants } from "node:fs/promises";
import path from "node:path";

/** The full path of a program, if PATH has it. */
export async function findOnPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const file = path.join(folder, program);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
