import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the checkout, from src/ and from dist/ alike. */
const root = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** Everything that `npm start`, `npm test` and `npm run bench` write, dist and node_modules apart; git ignores it. */
const written = join(root, ".sluice");

/** Where things lie. */
export const projectFolders = {
  root,
  models: join(root, "models"),
  written,
  /** The tritonserver that all parts of the project share. */
  triton: join(written, "triton"),
} as const;
