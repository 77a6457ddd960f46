import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { DirectedResult, DirectedRun, DirectedScenario } from "./directed-scenario.js";

/** Runs them one after the other, each in a folder of its own in `dir`; one that fails keeps nobody from running. */
export async function runDirected(
  scenarios: readonly DirectedScenario[],
  { seed, dir, say }: DirectedRun,
): Promise<DirectedResult[]> {
  const results: DirectedResult[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    const own = join(dir, String(index + 1));
    await rm(own, { recursive: true, force: true });
    await mkdir(own, { recursive: true });
    say(`${scenario.topology}: ${scenario.name}`);
    results.push(await runOne(scenario, { seed, dir: own, say: (line) => say(`  ${line}`) }));
  }
  return results;
}

async function runOne({ name, topology, lacks, run }: DirectedScenario, how: DirectedRun): Promise<DirectedResult> {
  const startMs = performance.now();
  const ended = () => ({ name, topology, seconds: Math.round((performance.now() - startMs) / 1_000) });
  const lacking = await lacks?.();
  if (lacking !== undefined) return { ...ended(), shown: [], broken: [`not run: ${lacking}`], campaign: undefined };
  try {
    const outcome = await run(how);
    return { ...ended(), ...outcome };
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ...ended(), shown: [], broken: [`it broke off: ${detail}`], campaign: undefined };
  }
}
