import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { projectFolders } from "@sluice/stack";

import { parseFailpointsOptions } from "./failpoint-options.js";
import { runSweep } from "./run-sweep.js";
import { sweepLines, writeSweepReport } from "./sweep-report.js";
import type { SweepResult } from "./sweep-result.js";

/** `npm run faults -- failpoints`: lets processes die and stop between any two effects of any role. */
export async function runFailpointsCommand(args: readonly string[]): Promise<void> {
  const { only, seeds, topologies, seed, out } = parseFailpointsOptions(args, () => randomBytes(4).toString("hex"));
  const folder = out ?? join(projectFolders.written, "faults", `failpoints-${seed}`);
  console.log(
    `  seed ${seed}: replay with npm run faults -- failpoints ${only} --seeds ${seeds} --topology ${topologies.join(",")} --seed ${seed}`,
  );
  const results: SweepResult[] = [];
  for (const topology of topologies) {
    const dir = join(folder, topology);
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    const result = await runSweep({ topology, seed, seeds, only, dir, say: (line) => console.log(`  ${line}`) });
    results.push(result);
    for (const line of sweepLines(result)) console.log(line);
  }
  await writeSweepReport(folder, results);
  console.log(`Report: ${folder}`);
  if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
}
