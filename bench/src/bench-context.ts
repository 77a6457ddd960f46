import type { Progress } from "@sluice/stack";
import type { BenchScale } from "./bench-scale.js";
import type { BatchMode } from "./options.js";

/** What every part of the bench is given. */
export interface BenchContext {
  readonly scale: BenchScale;
  readonly progress: Progress;
  /** A number that no other load of this run has: inputs of different seeds differ. */
  readonly nextSeed: () => number;
  /** How batches are formed for texts. */
  readonly mode: BatchMode;
  /** Where parts may write. */
  readonly folder: string;
  /** Gets the CPU profiles of the roles; none are taken if absent. */
  readonly profileFolder?: string;
}
