import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ranAgain } from "../report/summarize.js";
import { PHASES } from "./failpoint.js";
import type { PointResult, SweepResult } from "./sweep-result.js";

const MOST_LINES = 40;

/** A sweep in plain lines: what held, how many points had their turn, and which did not. */
export function sweepLines(result: SweepResult): string[] {
  const { campaign, broken, points, reached, seeds } = result;
  const turns = (point: PointResult): number => point.kills + point.freezes;
  const chosen = points.filter(({ planned }) => planned > 0);
  const never = chosen.filter((point) => turns(point) === 0);
  const seldom = chosen.filter((point) => turns(point) > 0 && turns(point) < seeds);
  const freezes = reached.filter(({ trial }) => trial.action === "freeze").length;
  const inPhases = PHASES.map((phase) => `${reached.filter(({ trial }) => trial.phase === phase).length} at ${phase}`);
  return [
    `${campaign.topology}, seed ${campaign.seed}, ${campaign.seconds} s: ${broken.length === 0 ? "everything held" : `${broken.length} did NOT hold`}`,
    `  ${points.length} points found, ${chosen.length} chosen: ${chosen.length - never.length - seldom.length} had ${seeds} turns, ${seldom.length} fewer, ${never.length} none`,
    `  ${reached.length} turns: ${reached.length - freezes} kills, ${freezes} stops; ${inPhases.join(", ")}; ${result.otherKills} kills beside them`,
    `  tasks: ${campaign.tasks.submitted} submitted, ${campaign.tasks.ok} accepted, ${campaign.tasks.refused} refused, ${campaign.tasks.unknown} unknown`,
    `  executions: ${campaign.executions.total} of ${campaign.executions.unique} inputs; ${ranAgain(campaign)} again`,
    `  quiet ${campaign.quietAfterMs === undefined ? "never" : `after ${campaign.quietAfterMs} ms`}`,
    ...namesOf("fewer", seldom, (point) => `${point.point} (${turns(point)})`),
    ...namesOf("none", never, ({ point }) => point),
    ...namesOf("scripts that nobody called", result.uncalledScripts, (name) => name),
    ...broken.slice(0, MOST_LINES).map((line) => `  ${line}`),
  ];
}

/** Writes `failpoints.json` and `failpoints.md`. */
export async function writeSweepReport(folder: string, results: readonly SweepResult[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "failpoints.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  const page = results.flatMap((result) => [...["```", ...sweepLines(result), "```", ""], ...tableOf(result.points)]);
  await writeFile(join(folder, "failpoints.md"), ["# Points between two effects", "", ...page].join("\n"));
}

function namesOf<T>(title: string, values: readonly T[], nameOf: (value: T) => string): string[] {
  return values.length === 0 ? [] : [`  ${title}: ${values.map(nameOf).join(", ")}`];
}

function tableOf(points: readonly PointResult[]): string[] {
  return [
    "| point | hits at start / work / drain | planned | kills | stops |",
    "|---|---|---|---|---|",
    ...points.map(({ point, hits, planned, kills, freezes }) => {
      const counts = PHASES.map((phase) => hits[phase]).join(" / ");
      return `| ${point} | ${counts} | ${planned} | ${kills} | ${freezes} |`;
    }),
    "",
  ];
}
