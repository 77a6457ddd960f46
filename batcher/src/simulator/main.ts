import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { plotRows, tabulateRows } from "./report.js";
import { simulateRows } from "./report-rows.js";

const USAGE = "npm run simulate -- [--seed N] [--out FOLDER]";

/** Simulates every workload of the report with every policy, and writes tables and charts. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seed: { type: "string", default: "1" }, out: { type: "string", default: ".sluice/simulator" } },
  });
  if (!/^\d{1,9}$/.test(values.seed)) throw new TypeError(`--seed must be a whole number, and is ${values.seed}`);
  const startMs = performance.now();
  const rows = simulateRows(Number(values.seed), (done, of) => say(`\r  ${done} of ${of} workloads`));
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, "report.md"), tabulateRows(rows));
  await writeFile(join(values.out, "report.svg"), plotRows(rows));
  say(`\n${tabulateRows(rows)}\nReport after ${Math.round((performance.now() - startMs) / 1_000)} s: ${values.out}\n`);
}

function say(text: string): void {
  process.stdout.write(text);
}

main().catch((error: unknown) => {
  process.stderr.write(error instanceof TypeError ? `${error.message}\n${USAGE}\n` : `${String(error)}\n`);
  process.exit(1);
});
