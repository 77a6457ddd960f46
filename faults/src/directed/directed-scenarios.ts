import { CLUSTER_SCENARIOS } from "./cluster-scenarios.js";
import type { DirectedScenario } from "./directed-scenario.js";

/** Every directed scenario. */
export const DIRECTED_SCENARIOS: readonly DirectedScenario[] = [...CLUSTER_SCENARIOS];
