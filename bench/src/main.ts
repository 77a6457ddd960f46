import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DEFAULT_SETTINGS } from "@sluice/broker";
import { createProgress, projectFolders } from "@sluice/stack";
import type { BenchContext } from "./bench-context.js";
import { benchScale } from "./bench-scale.js";
import { parseBenchOptions, USAGE } from "./options.js";
import { problemsOf } from "./report/problems.js";
import { resultTables } from "./report/result-tables.js";
import { formatTable } from "./report/table.js";
import { runBench } from "./run-bench.js";

const folder = join(projectFolders.written, "bench");

async function main(): Promise<void> {
  const options = parseBenchOptions(process.argv.slice(2));
  await mkdir(folder, { recursive: true });
  let seed = 0;
  const progress = createProgress(process.stdout);
  const context: BenchContext = {
    scale: benchScale(options),
    progress,
    nextSeed: () => ++seed,
    mode: options.mode ?? DEFAULT_SETTINGS.forAll.batchMode,
    folder,
    ...(options.profile ? { profileFolder: join(folder, "profiles") } : {}),
  };
  const result = await runBench(options, context);
  for (const table of resultTables(result)) console.log(["", ...formatTable(table)].join("\n"));
  const file = options.out ?? join(folder, "RESULT.json");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
  console.log(`\nAll figures: ${file}`);
  const problems = problemsOf(result);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  if (error instanceof TypeError) console.error(`${error.message}\n${USAGE}`);
  else console.error(error);
  process.exit(1);
});
