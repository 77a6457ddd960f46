import { CLOCK_SCENARIOS } from "./clock-scenarios.js";
import { CLUSTER_SCENARIOS } from "./cluster-scenarios.js";
import type { DirectedScenario } from "./directed-scenario.js";
import { ONE_SERVER_SCENARIOS } from "./one-server-scenarios.js";

/** Every directed scenario. */
export const DIRECTED_SCENARIOS: readonly DirectedScenario[] = [
  ...ONE_SERVER_SCENARIOS,
  ...CLOCK_SCENARIOS,
  ...CLUSTER_SCENARIOS,
];
