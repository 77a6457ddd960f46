import type { Duplicate } from "../check/judge-executions.js";
import type { Recovery } from "../check/measure-recovery.js";
import type { Violation } from "../check/violation.js";
import type { UnplannedExit } from "../managed-process.js";
import type { InjectedFault } from "../nemesis/nemesis.js";
import type { TopologyKind } from "../topology/topology.js";

/** What a process held before and after. */
export interface UsageChange {
  readonly name: string;
  readonly before: { readonly descriptors: number; readonly residentMb: number };
  readonly after: { readonly descriptors: number; readonly residentMb: number };
}

/** All figures of one campaign. */
export interface CampaignResult {
  readonly topology: TopologyKind;
  readonly seed: string;
  readonly seconds: number;
  /** From the last fault's end until all work was done; undefined if it never was. */
  readonly quietAfterMs: number | undefined;
  readonly tasks: Readonly<Record<"submitted" | "ok" | "refused" | "unknown", number>>;
  readonly states: Readonly<Record<string, number>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly faults: readonly InjectedFault[];
  readonly kills: number;
  readonly executions: { readonly total: number; readonly unique: number; readonly duplicateBound: number };
  readonly duplicates: readonly Duplicate[];
  readonly recoveries: readonly Recovery[];
  readonly redis: { readonly keys: number; readonly mostConsumers: number; readonly usedMemoryMb: number };
  readonly usage: readonly UsageChange[];
  readonly unplannedExits: readonly UnplannedExit[];
  readonly violations: readonly Violation[];
}
