import { parseArgs } from "node:util";

import type { BatchMode } from "./campaign/campaign-options.js";
import { TOPOLOGY_KINDS, type TopologyKind } from "./topology/topology.js";

/** What `npm run faults` was asked for. */
export interface FaultsOptions {
  readonly topologies: readonly TopologyKind[];
  /** On each topology. */
  readonly tasks: number;
  readonly kills: number;
  readonly seed: string;
  /** The rule by which batches leave. */
  readonly mode: BatchMode;
  /** Instead of campaigns: each deliberate break in its scenario, or those whose names contain this. */
  readonly breaks: string | undefined;
  /** Where the report goes; a folder of its own if absent. */
  readonly out: string | undefined;
}

export const USAGE = `npm run faults -- [--tasks N] [--kills K] [--topology S|R|C|all] [--mode fixed|adaptive] [--seed X] [--out FOLDER]
npm run faults -- --breaks [WORDS] [--seed X] [--out FOLDER]
  --tasks      tasks submitted on each topology (5000)
  --kills      processes killed on each topology (20); other faults come in between
  --topology   S: one Redis, R: master, two replicas and Sentinels, C: Cluster of three masters and replicas (all)
  --mode       rule by which batches leave (fixed: then no task may expire before its deadline)
  --seed       decides tasks and faults; a new one if absent. A failure is replayed with the seed that it prints
  --breaks     break one rule after the other in a copy of the programs: each must be noticed, and only then`;

/**
 * Reads the command line.
 * @param newSeed made when none is given.
 * @throws TypeError for what it does not know.
 */
export function parseFaultsOptions(args: readonly string[], newSeed: () => string): FaultsOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      tasks: { type: "string", default: "5000" },
      kills: { type: "string", default: "20" },
      topology: { type: "string", default: "all" },
      mode: { type: "string", default: "fixed" },
      seed: { type: "string" },
      breaks: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  if (!values.breaks && positionals.length > 0) throw new TypeError(`${positionals.join(" ")} was not understood`);
  return {
    breaks: values.breaks ? positionals.join(" ") : undefined,
    topologies: parseTopology(values.topology),
    tasks: parseCount("tasks", values.tasks),
    kills: parseCount("kills", values.kills),
    mode: parseMode(values.mode),
    seed: values.seed ?? newSeed(),
    out: values.out,
  };
}

function parseTopology(text: string): readonly TopologyKind[] {
  if (text === "all") return TOPOLOGY_KINDS;
  const kind = TOPOLOGY_KINDS.find((one) => one === text);
  if (kind === undefined) throw new TypeError(`--topology must be S, R, C or all, and is ${text}`);
  return [kind];
}

function parseMode(text: string): BatchMode {
  if (text !== "fixed" && text !== "adaptive") throw new TypeError(`--mode must be fixed or adaptive, and is ${text}`);
  return text;
}

function parseCount(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new TypeError(`--${name} must be a whole number, and is ${text}`);
  return Number(text);
}
