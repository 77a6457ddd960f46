import type { CampaignResult } from "../campaign/campaign-result.js";
import type { LoopProgress } from "../wedge/watch-progress.js";
import type { Restart } from "./roll-fleet.js";
import type { Answers } from "./watch-answers.js";

/** All figures of rolling restarts on one topology. */
export interface RollingResult {
  /** How often every process of every role was restarted. */
  readonly times: number;
  readonly restarts: readonly Restart[];
  /** What clients were answered, and how often. */
  readonly answers: Readonly<Record<string, number>>;
  readonly repeated: number;
  readonly errors: Answers["errors"];
  /** Connections that the balancer could give to nobody. */
  readonly untaken: number;
  /** After the last restart. */
  readonly loops: readonly LoopProgress[];
  /** The promises that every campaign checks; no fault explains a duplicate. */
  readonly campaign: CampaignResult;
  readonly broken: readonly string[];
}
