import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { percentile } from "../check/measure-recovery.js";
import type { WedgeRound, WedgeWorldResult } from "./wedge-result.js";

/** Figures of one row: how often, over how many samples, and how long it took (ms). */
interface Row {
  readonly name: string;
  readonly times: number;
  readonly samples: readonly (number | undefined)[];
}

const HEAD = ["", "times", "samples", "p50 ms", "p99 ms", "max ms", "never"];

/** Everything in plain lines: a table by fault, one by loop, and what did not hold. */
export function wedgeLines(results: readonly WedgeWorldResult[]): string[] {
  const rounds = results.flatMap((result) => result.rounds);
  const broken = results.flatMap((result) => result.broken);
  const tasks = results.reduce((sum, { campaign }) => sum + campaign.tasks.ok, 0);
  const again = results.reduce((sum, { campaign }) => sum + campaign.executions.total - campaign.executions.unique, 0);
  return [
    "From the heal until a loop has completed a turn, every loop of every process a sample:",
    ...alignTable(HEAD, byFault(rounds).map(cellsOf)),
    "From the heal until the first task submitted after it has its result:",
    ...alignTable(HEAD, flowByFault(rounds).map(cellsOf)),
    "By loop, all faults together:",
    ...alignTable(HEAD, byLoop(rounds).map(cellsOf)),
    "Descriptors of each process, before and after:",
    `  ${results.flatMap(descriptorsOf).join(", ")}`,
    `${tasks} tasks accepted, ${again} inputs ran again; ${broken.length === 0 ? "everything held" : `${broken.length} did NOT hold`}`,
    ...broken.slice(0, 40).map((line) => `  ${line}`),
  ];
}

/** Writes `wedge.json` and `wedge.md`. */
export async function writeWedgeReport(folder: string, results: readonly WedgeWorldResult[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "wedge.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  await writeFile(
    join(folder, "wedge.md"),
    ["# Connections that cannot wedge", "", "```", ...wedgeLines(results), "```", ""].join("\n"),
  );
}

function byFault(rounds: readonly WedgeRound[]): Row[] {
  return groupRounds(rounds, (all) => all.flatMap(({ loops }) => loops.map(({ afterMs }) => afterMs)));
}

function flowByFault(rounds: readonly WedgeRound[]): Row[] {
  return groupRounds(rounds, (all) => all.map(({ flowMs }) => flowMs));
}

function groupRounds(
  rounds: readonly WedgeRound[],
  samplesOf: (rounds: readonly WedgeRound[]) => (number | undefined)[],
): Row[] {
  const names = [...new Set(rounds.map(({ topology, fault }) => `${topology} ${fault}`))].sort();
  return names.map((name) => {
    const ours = rounds.filter(({ topology, fault }) => `${topology} ${fault}` === name);
    return { name, times: ours.length, samples: samplesOf(ours) };
  });
}

function byLoop(rounds: readonly WedgeRound[]): Row[] {
  const samples = new Map<string, (number | undefined)[]>();
  for (const { topology, loops } of rounds) {
    for (const { loop, afterMs } of loops) {
      // Without the number of the process: `S batcher read`.
      const name = `${topology} ${loop.replace(/-\d+ /, " ")}`;
      samples.set(name, [...(samples.get(name) ?? []), afterMs]);
    }
  }
  return [...samples].sort().map(([name, all]) => ({ name, times: rounds.length, samples: all }));
}

function cellsOf({ name, times, samples }: Row): string[] {
  const found = samples.flatMap((ms) => ms ?? []);
  const figure = (share: number): string => String(percentile(found, share) ?? "-");
  const never = samples.length - found.length;
  return [name, String(times), String(samples.length), figure(0.5), figure(0.99), figure(1), String(never)];
}

function alignTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)));
  return [head, ...rows].map(
    (row) =>
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")}`,
  );
}

function descriptorsOf({ campaign }: WedgeWorldResult): string[] {
  return campaign.usage.map(({ name, before, after }) => `${name} ${before.descriptors} -> ${after.descriptors}`);
}
