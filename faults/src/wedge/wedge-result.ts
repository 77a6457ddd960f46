import type { CampaignResult } from "../campaign/campaign-result.js";
import type { TopologyKind } from "../topology/topology.js";
import type { LoopProgress } from "./watch-progress.js";

/** One fault that was done once: to every connection of one world. */
export interface WedgeRound {
  readonly fault: string;
  readonly topology: TopologyKind;
  readonly world: number;
  /** How long it lasted, ms. */
  readonly lastedMs: number;
  readonly loops: readonly LoopProgress[];
  /** From the heal until the first task that was submitted after it had its result, ms; undefined if none has. */
  readonly flowMs: number | undefined;
  /** Tasks that ended while it lasted. */
  readonly endedMeanwhile: number;
}

/** All that happened in one world. */
export interface WedgeWorldResult {
  readonly rounds: readonly WedgeRound[];
  /** The promises that every campaign checks. */
  readonly campaign: CampaignResult;
  /** What did not hold, of those and of what is asked of connections. */
  readonly broken: readonly string[];
}
