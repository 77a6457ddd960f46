export { runSluice } from "./run-sluice.js";
export type { SluiceIo } from "./sluice-io.js";
