import type { Role } from "@sluice/stack";

import type { UnplannedExit } from "../managed-process.js";
import type { OracleTimes } from "../oracle/start-oracle.js";
import type { Patch } from "../roles/copy-programs.js";
import type { ScheduledFault } from "../schedule/fault.js";
import type { ServerOptions, TopologyKind } from "../topology/topology.js";

/** Rules by which batches leave. */
export type BatchMode = "fixed" | "adaptive";

/** One campaign on one topology. */
export interface CampaignOptions {
  readonly topology: TopologyKind;
  /** Decides tasks and faults. */
  readonly seed: string;
  /** How many tasks are submitted. */
  readonly tasks: number;
  /** How many processes are killed; other faults come in between. */
  readonly kills: number;
  /** @defaultValue fixed */
  readonly mode?: BatchMode;
  /** One kill in so many is alone. @defaultValue 4 */
  readonly aloneEvery?: number;
  /** Instead of a schedule that is made from the seed. */
  readonly schedule?: readonly ScheduledFault[];
  /** @defaultValue 2 apis, 2 batchers, 3 gpu-workers */
  readonly counts?: Readonly<Record<Role, number>>;
  /** Servers and processes can be parted (`TopologyOptions`). @defaultValue false */
  readonly separable?: boolean;
  /** How the one server of `S` is run. */
  readonly server?: ServerOptions;
  /** Live settings beyond the campaign's own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** `CONFIG SET` on every server, before the roles start. */
  readonly redisConfig?: Readonly<Record<string, string>>;
  /** Variables of the roles. */
  readonly env?: Readonly<Record<string, string>>;
  /** Variables of one process of a role, by its name. */
  readonly envOf?: (name: string) => Readonly<Record<string, string>>;
  /** Whether a process that ended without being stopped from outside ended as it was meant to. Asked once, at once. */
  readonly isPlannedExit?: (exit: UnplannedExit) => boolean;
  /** Deliberate breaks. */
  readonly patches?: readonly Patch[];
  /** How long everything may take to calm down. @defaultValue 60,000 ms */
  readonly quietMs?: number;
  /** @defaultValue {@link ORACLE_TIMES} */
  readonly oracle?: OracleTimes;
  /** Most tasks submitted in a second. @defaultValue 400 */
  readonly maxPerSecond?: number;
  /** Gets data, programs and logs; must be empty. */
  readonly dir: string;
  /** Told how it goes. */
  readonly say: (line: string) => void;
}

/** Live settings of a campaign: results outlive it, and a lease ends within a pause. */
export const CAMPAIGN_SETTINGS: Readonly<Record<string, string>> = {
  lease_ms: "6000",
  "result.ttl_s": "7200",
  "dedupe.ttl_s": "7200",
  "batch.max_wait_ms": "20",
  "batch.mode": "fixed",
};

/** Processes of each role. */
export const CAMPAIGN_COUNTS: Readonly<Record<Role, number>> = { api: 2, batcher: 2, "gpu-worker": 3 };

/** Service times of the oracle: one GPU, busy enough that a kill finds work in somebody's hands. */
export const ORACLE_TIMES: OracleTimes = { baseMs: 20, rowMs: 0.5, parallel: false };
/** Of each gpu-worker; the largest batch is the model's. */
export const SLOTS = 2;
