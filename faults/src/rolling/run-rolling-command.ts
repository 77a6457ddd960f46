import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { projectFolders } from "@sluice/stack";

import { parseRollingOptions } from "./rolling-options.js";
import { rollingLines, writeRollingReport } from "./rolling-report.js";
import type { RollingResult } from "./rolling-result.js";
import { runRolling } from "./run-rolling.js";

/** `npm run faults -- rolling`: restarts every process in order while clients go on, who must not notice. */
export async function runRollingCommand(args: readonly string[]): Promise<void> {
  const { times, topologies, seed, out } = parseRollingOptions(args, () => randomBytes(4).toString("hex"));
  const folder = out ?? join(projectFolders.written, "faults", `rolling-${seed}`);
  console.log(
    `  seed ${seed}: replay with npm run faults -- rolling --times ${times} --topology ${topologies.join(",")} --seed ${seed}`,
  );
  const results: RollingResult[] = [];
  for (const topology of topologies) {
    const dir = join(folder, topology);
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    results.push(await runRolling({ topology, seed, times, dir, say: (line) => console.log(`  ${line}`) }));
  }
  for (const line of rollingLines(results)) console.log(line);
  await writeRollingReport(folder, results);
  console.log(`Report: ${folder}`);
  if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
}
