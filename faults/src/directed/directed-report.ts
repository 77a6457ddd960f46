import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { CampaignResult } from "../campaign/campaign-result.js";
import { ranAgain } from "../report/summarize.js";
import type { DirectedResult } from "./directed-scenario.js";

/** Each scenario in plain lines. */
export function directedLines(results: readonly DirectedResult[]): string[] {
  const held = results.filter(({ broken }) => broken.length === 0).length;
  return [
    ...results.flatMap(({ name, topology, seconds, shown, broken, campaign }) => [
      `${topology}: ${name} (${seconds} s): ${broken.length === 0 ? "everything held" : `${broken.length} did NOT hold`}`,
      ...shown.map((line) => `  ${line}`),
      ...(campaign === undefined ? [] : [figuresOf(campaign)]),
      ...broken.slice(0, 20).map((line) => `  NOT HELD: ${line}`),
    ]),
    `${held} of ${results.length} scenarios held`,
  ];
}

/** Writes `directed.json` and `directed.md`. */
export async function writeDirectedReport(folder: string, results: readonly DirectedResult[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "directed.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  const page = ["# Directed faults", "", "```", ...directedLines(results), "```", ""];
  await writeFile(join(folder, "directed.md"), page.join("\n"));
}

function figuresOf(campaign: CampaignResult): string {
  const { tasks, executions } = campaign;
  const refusals = Object.entries(campaign.refusals).map(([refusal, count]) => `${count} x ${refusal}`);
  return [
    `  ${tasks.submitted} tasks submitted, ${tasks.ok} accepted, ${tasks.unknown} unknown, ${tasks.refused} refused`,
    refusals.length === 0 ? "" : ` (${refusals.join(", ")})`,
    `; ${ranAgain(campaign)} ran again of ${executions.unique} inputs (at most ${executions.duplicateBound})`,
    `; quiet ${campaign.quietAfterMs === undefined ? "never" : `after ${campaign.quietAfterMs} ms`}`,
  ].join("");
}
