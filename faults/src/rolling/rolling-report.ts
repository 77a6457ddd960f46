import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { percentile } from "../check/measure-recovery.js";
import type { RollingResult } from "./rolling-result.js";

/** Everything in plain lines. */
export function rollingLines(results: readonly RollingResult[]): string[] {
  return results.flatMap((result) => {
    const { campaign, broken, duplicates } = { ...result, duplicates: result.campaign.duplicates };
    return [
      `${campaign.topology}: each process restarted ${result.times} times, ${result.restarts.length} restarts: ${broken.length === 0 ? "everything held" : `${broken.length} did NOT hold`}`,
      ...roleLines(result),
      `  ${campaign.tasks.submitted} tasks submitted, ${campaign.tasks.ok} accepted, ${campaign.tasks.refused} refused, ${campaign.tasks.unknown} unknown`,
      `  ended: ${listOf(campaign.states)}`,
      `  answers: ${listOf(result.answers)}`,
      `  ${result.repeated} requests sent elsewhere by 503 and Connection: close; ${result.errors.length} errors`,
      `  ${campaign.executions.total} executions of ${campaign.executions.unique} inputs; again: ${duplicates.map(({ text }) => text).join(", ") || "none"}`,
      ...broken.slice(0, 40).map((line) => `  ${line}`),
    ];
  });
}

/** Writes `rolling.json` and `rolling.md`. */
export async function writeRollingReport(folder: string, results: readonly RollingResult[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "rolling.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  const page = ["# Rolling restarts", "", "```", ...rollingLines(results), "```", ""];
  await writeFile(join(folder, "rolling.md"), page.join("\n"));
}

function roleLines({ restarts }: RollingResult): string[] {
  return [...new Set(restarts.map(({ role }) => role))].map((role) => {
    const ours = restarts.filter((restart) => restart.role === role);
    const figures = (values: readonly number[]): string =>
      [0.5, 0.99, 1].map((share) => percentile(values, share) ?? "-").join(" / ");
    const stops = figures(ours.map(({ stopMs }) => stopMs));
    const starts = figures(ours.map(({ startMs }) => startMs));
    return `  ${role}: ${ours.length} restarts; p50 / p99 / max ms: SIGTERM to end ${stops}, start to ready ${starts}`;
  });
}

function listOf(counts: Readonly<Record<string, number>>): string {
  const items = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return items.map(([name, count]) => `${count} x ${name}`).join("; ") || "none";
}
