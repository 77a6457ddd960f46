import { join } from "node:path";

import { shiftProcessClocks } from "../clocks/process-clocks.js";
import { planPatient, shiftServerBack, shiftServerForward } from "../clocks/server-clock.js";
import { createShiftedClocks, lacksShiftedClocks, type ShiftedClocks } from "../clocks/shifted-clocks.js";
import { type OutageRun, runOutage } from "../outages/run-outage.js";
import type { Stage } from "../outages/stage.js";
import type { DirectedOutcome, DirectedScenario } from "./directed-scenario.js";

const NAMES = ["redis", ...["api", "batcher", "gpu-worker"].flatMap((role) => [`${role}-1`, `${role}-2`])];
/** Slow enough that some tasks are always open. */
const SLOW = { baseMs: 150, rowMs: 1, parallel: false } as const;

/** Clocks that jump. */
export const CLOCK_SCENARIOS: readonly DirectedScenario[] = [
  scenario("the clocks of all processes but Redis jump by hours", shiftProcessClocks),
  scenario("the clock of Redis jumps ahead by an hour", shiftServerForward),
  scenario("the clock of Redis is set back by an hour while processes die", shiftServerBack),
];

function scenario(name: string, act: (stage: Stage, clocks: ShiftedClocks) => Promise<void>): DirectedScenario {
  const run = async (how: OutageRun): Promise<DirectedOutcome> => {
    const clocks = await createShiftedClocks(join(how.dir, "clocks"), NAMES);
    const server = { env: clocks.envOf("redis") };
    return await runOutage(
      {
        name,
        world: { topology: "S", server, envOf: clocks.envOf, oracle: SLOW },
        perSecond: 60,
        plan: planPatient,
        act: (stage) => act(stage, clocks),
      },
      how,
    );
  };
  return { name, topology: "S", lacks: lacksShiftedClocks, run };
}
