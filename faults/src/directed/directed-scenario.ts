import type { CampaignResult } from "../campaign/campaign-result.js";
import type { TopologyKind } from "../topology/topology.js";

/** One fault, brought about on purpose in a world of its own while clients submit, and everything that it must not do. */
export interface DirectedScenario {
  /** Says what happens; unlike any other. */
  readonly name: string;
  readonly topology: TopologyKind;
  /** What this machine lacks for it, and how to come by it; undefined if it can run. */
  readonly lacks?: () => Promise<string | undefined>;
  readonly run: (run: DirectedRun) => Promise<DirectedOutcome>;
}

/** How to run one. */
export interface DirectedRun {
  readonly seed: string;
  /** Gets data, programs and logs; empty. */
  readonly dir: string;
  readonly say: (line: string) => void;
}

/** What became of it. */
export interface DirectedOutcome {
  /** Figures, and evidence that the fault happened. */
  readonly shown: readonly string[];
  /** What did not hold, a fault that did nothing included; empty if all is well. */
  readonly broken: readonly string[];
  readonly campaign: CampaignResult;
}

/** An outcome, or why there is none: that is a failure as well. */
export interface DirectedResult extends Omit<DirectedOutcome, "campaign"> {
  readonly name: string;
  readonly topology: TopologyKind;
  readonly seconds: number;
  /** Undefined if the world did not come up, or this machine lacks something. */
  readonly campaign: CampaignResult | undefined;
}
