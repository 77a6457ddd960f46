import { runExperiment } from "./experiment.js";
import { adaptivePolicy, fixedPolicy, type PolicyMaker } from "./simulated-policy.js";
import type { Outcome } from "./tally.js";
import { compareOutcomes, type Verdict } from "./verdict.js";
import type { Workload } from "./workloads.js";

/** What the report says of a policy: means over the seeds. */
export type Figures = Pick<Outcome, "meanMs" | "p99Ms" | "meanBatch" | "gpuShare" | "goodput">;

/** One workload, and what each policy made of it. */
export interface ReportRow {
  readonly workload: Workload;
  readonly perSecond: number;
  readonly figures: Readonly<Record<PolicyName, Figures>>;
  /** Which window `best fixed` has. */
  readonly bestFixed: string;
  /** Adaptive against the best fixed window. */
  readonly verdict: Verdict;
}

/** Policies that a report compares, in this order. */
export const POLICY_NAMES = ["fixed 64/50", "best fixed", "eager", "adaptive"] as const;

/** One of them. */
export type PolicyName = (typeof POLICY_NAMES)[number];

/**
 * Windows that a careful operator might try; 0 leaves as soon as a server is free, which is what
 * Triton does by default (`eager`).
 */
const GRID = [8, 16, 32, 64].flatMap((size) => [0, 2, 10, 50].map((waitMs) => fixedPolicy(size, waitMs)));

/**
 * Simulates one row with every policy, once for each seed. The best window is chosen afterwards, by these same
 * arrivals: an operator cannot know it.
 */
export function simulateRow(workload: Workload, seeds: readonly number[]): ReportRow {
  const { experiment, settings, by } = workload;
  const run = (policy: PolicyMaker): Run => ({
    name: policy.name,
    outcomes: seeds.map((seed) => runExperiment({ ...experiment, seed }, policy)),
  });
  const grid = GRID.map(run);
  const best = grid.reduce((a, b) => (costOf(b, by) < costOf(a, by) ? b : a));
  const adaptive = run(adaptivePolicy(settings));
  const fixed = grid.find(({ name }) => name === "fixed 64/50") ?? best;
  const eager = grid.find(({ name }) => name === "fixed 64/0") ?? best;
  return {
    workload,
    perSecond: adaptive.outcomes.reduce((sum, { perSecond }) => sum + perSecond, 0) / seeds.length,
    figures: {
      "fixed 64/50": figuresOf(fixed),
      "best fixed": figuresOf(best),
      eager: figuresOf(eager),
      adaptive: figuresOf(adaptive),
    },
    bestFixed: best.name.replace("fixed ", ""),
    verdict: compareOutcomes(adaptive.outcomes, best.outcomes, by),
  };
}

interface Run {
  readonly name: string;
  readonly outcomes: readonly Outcome[];
}

/** The less the better. */
function costOf({ outcomes }: Run, by: Workload["by"]): number {
  return by === "mean" ? meanOf(outcomes, "meanMs") : -meanOf(outcomes, "goodput");
}

function figuresOf({ outcomes }: Run): Figures {
  const of = (figure: keyof Figures): number => meanOf(outcomes, figure);
  return {
    meanMs: of("meanMs"),
    p99Ms: of("p99Ms"),
    meanBatch: of("meanBatch"),
    gpuShare: of("gpuShare"),
    goodput: of("goodput"),
  };
}

function meanOf(outcomes: readonly Outcome[], figure: keyof Figures): number {
  return outcomes.reduce((sum, outcome) => sum + outcome[figure], 0) / outcomes.length;
}
