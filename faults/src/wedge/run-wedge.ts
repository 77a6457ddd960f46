import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { createRandom } from "../random.js";
import type { Patch } from "../roles/copy-programs.js";
import type { TopologyKind } from "../topology/topology.js";
import { runWedgeWorld } from "./run-wedge-world.js";
import { WEDGE_FAULTS, type WedgeFault } from "./wedge-fault.js";
import type { WedgeRound, WedgeWorldResult } from "./wedge-result.js";

/** Every fault `times` times on one topology. */
export interface WedgeRunOptions {
  readonly topology: TopologyKind;
  readonly seed: string;
  readonly times: number;
  /** Share the times, at the same time. */
  readonly worlds: number;
  readonly holdMs: number;
  /** Only faults whose names contain this. */
  readonly only: string;
  readonly patches?: readonly Patch[];
  /** How long it is looked for progress after a heal. */
  readonly lookMs?: number;
  readonly dir: string;
  readonly say: (line: string) => void;
}

/** Runs the worlds of one topology side by side. @throws Error if one does not come up. */
export async function runWedge(options: WedgeRunOptions): Promise<WedgeWorldResult[]> {
  const { topology, seed, holdMs, patches, lookMs, say } = options;
  const plans = planWorlds(options);
  const total = plans.reduce((sum, faults) => sum + faults.length, 0);
  let done = 0;
  const onRound = (round: WedgeRound): void => say(`${topology}: ${++done} of ${total}, ${roundLine(round)}`);
  const running = plans.map(async (faults, world) => {
    const dir = join(options.dir, `${topology}-${world + 1}`);
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    const of = { topology, seed, world: world + 1, faults, holdMs, dir, say, onRound };
    return await runWedgeWorld({ ...of, ...(patches ? { patches } : {}), ...(lookMs ? { lookMs } : {}) });
  });
  const results = await Promise.allSettled(running);
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

/** The faults of each world, in an order of its own. */
export function planWorlds({
  topology,
  seed,
  times,
  worlds,
  only,
}: Pick<WedgeRunOptions, "topology" | "seed" | "times" | "worlds" | "only">): WedgeFault[][] {
  const faults = WEDGE_FAULTS.filter(({ name, topologies }) => topologies.includes(topology) && name.includes(only));
  return Array.from({ length: worlds }, (_, world) => {
    const random = createRandom(`${seed}/wedge/${topology}/${world}`);
    const share = Math.floor(times / worlds) + (world < times % worlds ? 1 : 0);
    const all = faults.flatMap((fault) => Array.from({ length: share }, () => ({ fault, order: random.next() })));
    return all.sort((a, b) => a.order - b.order).map(({ fault }) => fault);
  });
}

function roundLine({ fault, lastedMs, loops, flowMs }: WedgeRound): string {
  const slowest = loops.reduce(
    (worst, one) => ((one.afterMs ?? Infinity) > (worst.afterMs ?? Infinity) ? one : worst),
    {
      loop: "none",
      afterMs: 0,
    },
  );
  const lasted = `${(lastedMs / 1_000).toFixed(1)} s`;
  return `${fault} (${lasted}): slowest ${slowest.loop} ${slowest.afterMs ?? "never"} ms, flow ${flowMs ?? "never"} ms`;
}
