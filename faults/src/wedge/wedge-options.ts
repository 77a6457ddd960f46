import { parseArgs } from "node:util";

import { TOPOLOGY_KINDS, type TopologyKind } from "../topology/topology.js";

/** What `npm run faults -- wedge` was asked for. */
export interface WedgeOptions {
  /** How often each fault is done on each topology. */
  readonly times: number;
  readonly topologies: readonly TopologyKind[];
  /** How many worlds share the times of a topology, at the same time. */
  readonly worlds: number;
  /** How long a black hole lasts. */
  readonly holdMs: number;
  /** Only faults whose names contain this. */
  readonly only: string;
  /** Instead: each deliberate break under the fault that shows it. */
  readonly controls: boolean;
  readonly seed: string;
  readonly out: string | undefined;
}

export const WEDGE_USAGE = `npm run faults -- wedge [--times N] [--topology S|R|C|all] [--worlds W] [--hold SECONDS] [--only WORDS] [--seed X] [--out FOLDER]
  --times      how often each fault is done on each topology (50)
  --worlds     so many worlds of their own share the times of a topology (S: 4, R and C: 2)
  --hold       how long a black hole lasts (30)
  --only       only faults whose names contain this, as "black hole"
  --controls   instead take one guard after the other away in a copy of the programs: each must be noticed`;

const WORLDS: Readonly<Record<TopologyKind, number>> = { S: 4, R: 2, C: 2 };

/** @throws TypeError for what it does not know. */
export function parseWedgeOptions(args: readonly string[], newSeed: () => string): WedgeOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      times: { type: "string", default: "50" },
      topology: { type: "string", default: "all" },
      worlds: { type: "string", default: "0" },
      hold: { type: "string", default: "30" },
      only: { type: "string", default: "" },
      controls: { type: "boolean", default: false },
      seed: { type: "string" },
      out: { type: "string" },
    },
  });
  const topologies = TOPOLOGY_KINDS.filter((kind) => values.topology === "all" || values.topology === kind);
  if (topologies.length === 0) throw new TypeError(`--topology must be S, R, C or all, and is ${values.topology}`);
  return {
    times: parseCount("times", values.times),
    topologies,
    worlds: parseCount("worlds", values.worlds),
    holdMs: 1_000 * parseCount("hold", values.hold),
    only: values.only,
    controls: values.controls,
    seed: values.seed ?? newSeed(),
    out: values.out,
  };
}

/** How many worlds a topology gets; never more than there are times. */
export function worldsOf({ worlds, times }: WedgeOptions, topology: TopologyKind): number {
  return Math.max(1, Math.min(worlds === 0 ? WORLDS[topology] : worlds, times));
}

function parseCount(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new TypeError(`--${name} must be a whole number, and is ${text}`);
  return Number(text);
}
