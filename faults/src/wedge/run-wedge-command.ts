import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { projectFolders } from "@sluice/stack";

import { runWedgeControls } from "./run-wedge-controls.js";
import { runWedge } from "./run-wedge.js";
import { parseWedgeOptions, worldsOf } from "./wedge-options.js";
import { wedgeLines, writeWedgeReport } from "./wedge-report.js";
import type { WedgeWorldResult } from "./wedge-result.js";

/** `npm run faults -- wedge`: breaks connections in every way, and measures when everybody goes on. */
export async function runWedgeCommand(args: readonly string[]): Promise<void> {
  const options = parseWedgeOptions(args, () => randomBytes(4).toString("hex"));
  const { seed, times, holdMs, only } = options;
  const folder = options.out ?? join(projectFolders.written, "faults", `wedge-${seed}`);
  if (options.controls) return await showControls(seed, holdMs, folder);
  console.log(`  seed ${seed}: one time is one fault, done to all connections of one world (5 processes) at once`);
  const results: WedgeWorldResult[] = [];
  for (const topology of options.topologies) {
    const worlds = worldsOf(options, topology);
    const say = (line: string): void => console.log(`  ${line}`);
    results.push(...(await runWedge({ topology, seed, times, worlds, holdMs, only, dir: folder, say })));
  }
  for (const line of wedgeLines(results)) console.log(line);
  await writeWedgeReport(folder, results);
  console.log(`Report: ${folder}`);
  if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
}

async function showControls(seed: string, holdMs: number, folder: string): Promise<void> {
  const dir = join(folder, "control");
  const results = await runWedgeControls({ seed, holdMs, dir, say: (line) => console.log(`  ${line}`) });
  for (const { name, broken } of results) {
    console.log(
      `${broken.length > 0 ? "caught    " : "NOT caught"} ${name}: ${broken.length} did not hold; ${broken[0] ?? ""}`,
    );
  }
  if (results.some(({ broken }) => broken.length === 0)) process.exitCode = 1;
}
