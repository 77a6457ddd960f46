import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { CampaignResult } from "../campaign/campaign-result.js";
import { ranAgain, recoveryTable, summarize, verdictOf } from "./summarize.js";

/** Writes all figures as `report.json` and a page of Markdown as `report.md`. @returns the folder. */
export async function writeReport(folder: string, results: readonly CampaignResult[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "report.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  await writeFile(join(folder, "report.md"), reportPage(results));
  return folder;
}

/** The page: verdicts, recovery, faults, duplicates, violations. */
export function reportPage(results: readonly CampaignResult[]): string {
  return [
    "# Faults",
    "",
    ...table(
      [
        "Topology",
        "Seed",
        "Verdict",
        "Tasks",
        "Accepted",
        "Faults",
        "Kills",
        "Ran again",
        "Explained",
        "Quiet after (ms)",
      ],
      results.map((result) => [
        result.topology,
        result.seed,
        verdictOf(result),
        result.tasks.submitted,
        result.tasks.ok,
        result.faults.filter(({ skipped }) => skipped === undefined).length,
        result.kills,
        ranAgain(result),
        result.executions.duplicateBound,
        result.quietAfterMs ?? "never",
      ]),
    ),
    "## Recovery of kills that were alone (ms)",
    "",
    ...table(
      ["Killed", "Times", "p50", "p99", "Write gap p99"],
      recoveryTable(results).map(({ name, kills, p50, p99, gapP99 }) => [name, kills, p50, p99, gapP99 ?? ""]),
    ),
    "## Faults done",
    "",
    ...table(["Fault", ...results.map(({ topology }) => topology)], faultRows(results)),
    ...results.flatMap((result) => ["", "```", ...summarize(result), "```"]),
    "",
    "## Inputs that ran more than once",
    "",
    ...results.flatMap(({ topology, duplicates, faults }) =>
      duplicates.map(({ text, startedMs }) => {
        const again = startedMs[1] ?? 0;
        const before = faults.filter(({ atMs, skipped }) => skipped === undefined && atMs <= again).at(-1);
        return `- ${topology} \`${text}\`: ${startedMs.length} times; last fault before: ${before?.name ?? "none"}`;
      }),
    ),
    "",
  ].join("\n");
}

function faultRows(results: readonly CampaignResult[]): (string | number)[][] {
  const names = [...new Set(results.flatMap(({ faults }) => faults.map(({ name }) => name)))].sort();
  return names.map((name) => [
    name,
    ...results.map(({ faults }) => faults.filter((fault) => fault.name === name && fault.skipped === undefined).length),
  ]);
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""];
}
