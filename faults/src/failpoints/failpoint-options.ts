import { parseArgs } from "node:util";

import { TOPOLOGY_KINDS, type TopologyKind } from "../topology/topology.js";

/** What `npm run faults -- failpoints` was asked for. */
export interface FailpointsCommand {
  readonly only: string;
  readonly seeds: number;
  readonly topologies: readonly TopologyKind[];
  readonly seed: string;
  readonly out: string | undefined;
}

export const FAILPOINTS_USAGE = `npm run faults -- failpoints [WORDS] [--seeds N] [--topology S|R|C|all] [--seed X] [--out FOLDER]
  WORDS        only points whose names contain them, as "gpu-worker:after:settle"; all by default
  --seeds      how often each point gets its turn, with phase, count and kind of death drawn anew (20)
  --topology   S by default`;

/** @throws TypeError for what it does not know. */
export function parseFailpointsOptions(args: readonly string[], newSeed: () => string): FailpointsCommand {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seeds: { type: "string", default: "20" },
      topology: { type: "string", default: "S" },
      seed: { type: "string" },
      out: { type: "string" },
    },
  });
  const topologies = TOPOLOGY_KINDS.filter((kind) => values.topology === "all" || values.topology === kind);
  if (topologies.length === 0) throw new TypeError(`--topology must be S, R, C or all, and is ${values.topology}`);
  if (!/^[1-9]\d{0,3}$/.test(values.seeds)) {
    throw new TypeError(`--seeds must be a whole number from 1, and is ${values.seeds}`);
  }
  const only = positionals.join(" ");
  return { only, seeds: Number(values.seeds), topologies, seed: values.seed ?? newSeed(), out: values.out };
}
