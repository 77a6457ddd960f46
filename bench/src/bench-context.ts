import type { Progress } from "@sluice/stack";
import type { BenchScale } from "./bench-scale.js";

/** What every part of the bench is given. */
export interface BenchContext {
  readonly scale: BenchScale;
  readonly progress: Progress;
  /** A number that no other load of this run has: inputs of different seeds differ. */
  readonly nextSeed: () => number;
  /** Where parts may write. */
  readonly folder: string;
  /** Gets the CPU profiles of the roles; none are taken if absent. */
  readonly profileFolder?: string;
}
