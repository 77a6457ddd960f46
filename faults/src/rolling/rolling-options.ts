import { parseArgs } from "node:util";

import { TOPOLOGY_KINDS, type TopologyKind } from "../topology/topology.js";

/** What `npm run faults -- rolling` was asked for. */
export interface RollingCommand {
  readonly times: number;
  readonly topologies: readonly TopologyKind[];
  readonly seed: string;
  readonly out: string | undefined;
}

export const ROLLING_USAGE = `npm run faults -- rolling [--times N] [--topology S|R|C|all] [--seed X] [--out FOLDER]
  --times      how often each process of each role is restarted by SIGTERM, one after the other (20)
  --topology   S by default`;

/** @throws TypeError for what it does not know. */
export function parseRollingOptions(args: readonly string[], newSeed: () => string): RollingCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      times: { type: "string", default: "20" },
      topology: { type: "string", default: "S" },
      seed: { type: "string" },
      out: { type: "string" },
    },
  });
  const topologies = TOPOLOGY_KINDS.filter((kind) => values.topology === "all" || values.topology === kind);
  if (topologies.length === 0) throw new TypeError(`--topology must be S, R, C or all, and is ${values.topology}`);
  if (!/^\d{1,5}$/.test(values.times)) throw new TypeError(`--times must be a whole number, and is ${values.times}`);
  return { times: Number(values.times), topologies, seed: values.seed ?? newSeed(), out: values.out };
}
