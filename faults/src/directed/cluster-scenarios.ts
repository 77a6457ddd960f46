import { OUTAGES } from "../outages/outages.js";
import { type Outage, type OutageRun, runOutage } from "../outages/run-outage.js";
import type { DirectedOutcome, DirectedScenario } from "./directed-scenario.js";

/** Outages of servers on Sentinel and Cluster; those with a control twice. */
export const CLUSTER_SCENARIOS: readonly DirectedScenario[] = OUTAGES.flatMap((outage) => {
  const { name, world, control } = outage;
  const sound: DirectedScenario = { name, topology: world.topology, run: (run) => runOutage(outage, run) };
  if (control === undefined) return [sound];
  const words = Object.entries(control).map(([variable, value]) => `${variable}=${value}`);
  return [
    sound,
    {
      name: `${name}: with ${words.join(" ")} accepted work must be lost`,
      topology: world.topology,
      run: (run) => runControl({ ...outage, world: { ...world, env: { ...world.env, ...control } } }, run),
    },
  ];
});

/** The same without what the promise needs: it holds if that is noticed. */
async function runControl(outage: Outage, run: OutageRun): Promise<DirectedOutcome> {
  const { shown, broken, campaign } = await runOutage({ ...outage, quietMs: CONTROL_QUIET_MS }, run);
  const lost = campaign.violations.filter(({ invariant }) => invariant === "lost" || invariant === "changed").length;
  return {
    shown: [...shown, `${lost} tasks lost or ended twice, as they had to be; ${broken.length} findings in all`],
    broken: lost > 0 ? [] : ["nothing was lost: the outage would not be noticed"],
    campaign,
  };
}

/** What is lost never ends. */
const CONTROL_QUIET_MS = 20_000;
