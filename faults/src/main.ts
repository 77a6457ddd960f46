import { randomBytes } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { projectFolders } from "@sluice/stack";

import { BREAKS } from "./breaks/breaks.js";
import { runBreaks } from "./breaks/run-breaks.js";
import type { CampaignResult } from "./campaign/campaign-result.js";
import { runCampaign } from "./campaign/run-campaign.js";
import { judgeTimes } from "./check/judge-times.js";
import { DIRECTED_USAGE } from "./directed/directed-options.js";
import { runDirectedCommand } from "./directed/run-directed-command.js";
import { FAILPOINTS_USAGE } from "./failpoints/failpoint-options.js";
import { runFailpointsCommand } from "./failpoints/run-failpoints-command.js";
import { type FaultsOptions, parseFaultsOptions, USAGE } from "./options.js";
import { summarize } from "./report/summarize.js";
import { writeReport } from "./report/write-report.js";
import { ROLLING_USAGE } from "./rolling/rolling-options.js";
import { runRollingCommand } from "./rolling/run-rolling-command.js";
import { runWedgeCommand } from "./wedge/run-wedge-command.js";
import { WEDGE_USAGE } from "./wedge/wedge-options.js";

async function main(): Promise<void> {
  const [command, ...rest] = process.argv.slice(2);
  if (command === "wedge") return await runWedgeCommand(rest);
  if (command === "rolling") return await runRollingCommand(rest);
  if (command === "directed") return await runDirectedCommand(rest);
  if (command === "failpoints") return await runFailpointsCommand(rest);
  const options = parseFaultsOptions(process.argv.slice(2), () => randomBytes(4).toString("hex"));
  const folder = options.out ?? join(projectFolders.written, "faults", options.seed);
  if (options.breaks !== undefined) return await showBreaks(options.breaks, { seed: options.seed, dir: folder });
  console.log(`  seed ${options.seed}: replay with npm run faults -- ${replayWords(options)}`);
  const results: CampaignResult[] = [];
  for (const topology of options.topologies) {
    const dir = join(folder, topology);
    await rm(dir, { recursive: true, force: true });
    await mkdir(dir, { recursive: true });
    const { seed, tasks, kills, mode } = options;
    const say = (line: string): void => console.log(`  ${line}`);
    const result = await runCampaign({ topology, seed, tasks, kills, mode, dir, say });
    results.push(result);
    for (const line of summarize(result)) console.log(line);
  }
  console.log(`Report: ${await writeReport(folder, results)}`);
  const short = results.filter(({ kills }) => kills < options.kills);
  const slow = [
    ...judgeTimes(results),
    ...short.map(({ topology, kills }) => `${topology}: ${kills} of ${options.kills} kills`),
  ];
  for (const one of slow) console.error(`NOT AS PROMISED: ${one}`);
  if (slow.length > 0) process.exitCode = 1;
  if (results.some(({ violations }) => violations.length > 0)) {
    console.error(`A promise was broken. Replay: npm run faults -- ${replayWords(options)}`);
    process.exitCode = 1;
  }
}

async function showBreaks(words: string, { seed, dir }: { seed: string; dir: string }): Promise<void> {
  const chosen = BREAKS.filter(({ name }) => name.includes(words));
  console.log(`  seed ${seed}: ${chosen.length} breaks`);
  const results = await runBreaks(chosen, { seed, dir, say: (line) => console.log(`  ${line}`) });
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "breaks.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  const caught = results.filter((result) => result.caught).length;
  console.log(`${caught} of ${results.length} breaks caught. Report: ${join(dir, "breaks.json")}`);
  if (caught < results.length) process.exitCode = 1;
}

function replayWords({ topologies, tasks, kills, mode, seed }: FaultsOptions): string {
  const topology = topologies.length === 1 ? topologies[0] : "all";
  return `--tasks ${tasks} --kills ${kills} --topology ${topology} --mode ${mode} --seed ${seed}`;
}

main().catch((error: unknown) => {
  if (error instanceof TypeError)
    console.error(`${[error.message, USAGE, WEDGE_USAGE, ROLLING_USAGE, DIRECTED_USAGE, FAILPOINTS_USAGE].join("\n")}`);
  else console.error(error);
  process.exit(1);
});
