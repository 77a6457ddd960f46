import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { projectFolders } from "@sluice/stack";

import { parseDirectedOptions } from "./directed-options.js";
import { directedLines, writeDirectedReport } from "./directed-report.js";
import { DIRECTED_SCENARIOS } from "./directed-scenarios.js";
import { runDirected } from "./run-directed.js";

/** `npm run faults -- directed`: faults that are brought about one by one, each with all that it must not do. */
export async function runDirectedCommand(args: readonly string[]): Promise<void> {
  const { words, isList, seed, out } = parseDirectedOptions(args, () => randomBytes(4).toString("hex"));
  const titled = DIRECTED_SCENARIOS.map((scenario) => ({ scenario, title: `${scenario.topology}: ${scenario.name}` }));
  const chosen = titled.filter(({ title }) => title.includes(words));
  if (chosen.length === 0) throw new TypeError(`no directed scenario has the words "${words}"`);
  if (isList) {
    for (const { title } of chosen) console.log(title);
    return;
  }
  const folder = out ?? join(projectFolders.written, "faults", `directed-${seed}`);
  console.log(
    `  seed ${seed}: replay with npm run faults -- directed ${words === "" ? "" : `"${words}" `}--seed ${seed}`,
  );
  const run = { seed, dir: folder, say: (line: string) => console.log(`  ${line}`) };
  const results = await runDirected(
    chosen.map(({ scenario }) => scenario),
    run,
  );
  for (const line of directedLines(results)) console.log(line);
  await writeDirectedReport(folder, results);
  console.log(`Report: ${folder}`);
  if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
}
