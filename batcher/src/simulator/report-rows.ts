import { atLoad, type Experiment, runExperiment } from "./experiment.js";
import { A100, CAPTIONING, type GpuCurve, LINE, T4 } from "./gpu-curve.js";
import { ADAPTIVE_DEFAULTS, adaptivePolicy, eagerPolicy, fixedPolicy, type PolicyMaker } from "./simulated-policy.js";
import type { Outcome } from "./tally.js";

/** One workload, and what each policy made of it. */
export interface ReportRow {
  readonly curve: string;
  readonly servers: number;
  /** Of what the servers can do. */
  readonly load: number;
  readonly perSecond: number;
  /** By the name of the policy; `best fixed` names the window that it had. */
  readonly outcomes: Readonly<Record<PolicyName, Outcome>>;
  readonly bestFixed: string;
}

/** Policies that a report compares, in this order. */
export const POLICY_NAMES = ["fixed 64/50", "best fixed", "eager", "adaptive"] as const;

/** One of them. */
export type PolicyName = (typeof POLICY_NAMES)[number];

const LOADS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95] as const;
/** Captions take so long that an objective for the others would keep their batches too small for a high load. */
const SETTINGS: readonly { readonly curve: GpuCurve; readonly servers: number; readonly sloMs?: number }[] = [
  { curve: LINE, servers: 1 },
  { curve: LINE, servers: 4 },
  { curve: A100, servers: 1 },
  { curve: T4, servers: 2 },
  { curve: CAPTIONING, servers: 1, sloMs: 5_000 },
];
/** Of every row: enough for means that differ by a hundredth. */
const TASKS = 8_000;
/** Windows that a careful operator might try; 0 leaves as soon as a server is free. */
const GRID = [8, 16, 32, 64].flatMap((size) => [0, 2, 10, 50].map((waitMs) => fixedPolicy(size, waitMs)));

/** Simulates every row of the report. @param done called after each, with how many there are. */
export function simulateRows(seed: number, done: (rows: number, of: number) => void): ReportRow[] {
  const rows: ReportRow[] = [];
  for (const { curve, servers, sloMs = ADAPTIVE_DEFAULTS.sloMs } of SETTINGS) {
    for (const load of LOADS) {
      const experiment = atLoad(curve, load, { servers, seed });
      const seconds = Math.max(2, TASKS / experiment.perSecond);
      rows.push(simulateRow({ ...experiment, seconds }, load, sloMs));
      done(rows.length, SETTINGS.length * LOADS.length);
    }
  }
  return rows;
}

function simulateRow(experiment: Experiment & { readonly perSecond: number }, load: number, sloMs: number): ReportRow {
  const run = (policy: PolicyMaker): Outcome => runExperiment(experiment, policy);
  const grid = GRID.map((policy) => ({ name: policy.name, outcome: run(policy) }));
  const best = grid.reduce((a, b) => (b.outcome.meanMs < a.outcome.meanMs ? b : a));
  const { curve, servers, perSecond } = experiment;
  const outcomes = {
    "fixed 64/50": run(fixedPolicy(64, 50)),
    "best fixed": best.outcome,
    eager: run(eagerPolicy(64)),
    adaptive: run(adaptivePolicy({ ...ADAPTIVE_DEFAULTS, sloMs })),
  };
  return { curve: curve.name, servers, load, perSecond, outcomes, bestFixed: best.name };
}
