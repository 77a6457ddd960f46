import type { CampaignResult } from "../campaign/campaign-result.js";
import type { ReachedPoint } from "./conduct-member.js";
import type { Phase, Point } from "./failpoint.js";

/** What became of one point. */
export interface PointResult {
  readonly point: Point;
  /** How often it was hit in each phase, whether or not anything was armed. */
  readonly hits: Readonly<Record<Phase, number>>;
  /** How often something was to happen at it. */
  readonly planned: number;
  readonly kills: number;
  readonly freezes: number;
}

/** All figures of one sweep. */
export interface SweepResult {
  readonly seeds: number;
  readonly points: readonly PointResult[];
  /** In order of time. */
  readonly reached: readonly ReachedPoint[];
  /** Processes killed where no point was: it brings about starts, and what others do after it. */
  readonly otherKills: number;
  /** Scripts of the product that no process called. */
  readonly uncalledScripts: readonly string[];
  readonly campaign: CampaignResult;
  /** What did not hold, with what was done near by; empty if all is well. */
  readonly broken: readonly string[];
}
