import path from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the project, from `src/` and from `dist/`. */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Where things lie. Everything that Sluice writes lies below `.sluice`, which git ignores. */
export const projectFolders = {
  root,
  models: path.join(root, "models"),
  written: path.join(root, ".sluice"),
  triton: path.join(root, ".sluice/triton"),
} as const;
