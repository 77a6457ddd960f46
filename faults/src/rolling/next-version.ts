import type { Patch } from "../roles/copy-programs.js";

/**
 * Makes a copy of the programs the next version: its messages between batchers and workers say 2, its api writes ready
 * entries as `ref2`, and its batchers read these and the old ones.
 */
export const NEXT_VERSION: readonly Patch[] = [
  { file: "broker/dist/batches/notice.js", find: "const VERSION = 1;", replace: "const VERSION = 2;" },
  { file: "broker/dist/batches/ref.js", find: "/^ref\\d+$/", replace: "/^ref[3-9]$/" },
  { file: "broker/dist/batches/ref.js", find: 'asText(name) !== "ref"', replace: "!/^ref2?$/.test(asText(name))" },
  { file: "broker/lua/admit.lua", find: "'*', 'ref', ref", replace: "'*', 'ref2', ref" },
];
