import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { parseTrace } from "./arrivals.js";
import { drawPicture } from "./picture.js";
import { createRandomSource } from "./random-source.js";
import { plotRows, tabulateRows } from "./report.js";
import { simulateRow } from "./report-rows.js";
import { listWorkloads, makeTrace } from "./workloads.js";

const USAGE = `npm run simulate -- [--seed N] [--seeds N] [--tasks N] [--trace FILE] [--out FOLDER] [--picture FILE]
  --seed N      the first seed (1)
  --seeds N     so many of them, one after the other (3)
  --tasks N     about so many tasks in each row (10000)
  --trace FILE  arrival times to replay, milliseconds, rising, one a line
  --out FOLDER  where report.md and report.svg go (.sluice/simulator)
  --picture FILE  draws only the picture that README shows`;

/** Simulates every workload of the report with every policy, and writes tables and charts. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "3" },
      tasks: { type: "string", default: "10000" },
      trace: { type: "string" },
      out: { type: "string", default: ".sluice/simulator" },
      picture: { type: "string" },
    },
  });
  if (values.picture !== undefined) return await writeFile(values.picture, drawPicture());
  const [first, tasks] = [wholeNumber("seed", values.seed), wholeNumber("tasks", values.tasks)];
  const seeds = Array.from({ length: wholeNumber("seeds", values.seeds) }, (_, index) => first + index);
  const trace =
    values.trace === undefined
      ? makeTrace(tasks, TRACE_PER_S, createRandomSource(first))
      : parseTrace(await readFile(values.trace, "utf8"));
  const startMs = performance.now();
  const workloads = listWorkloads(tasks, trace);
  const rows = workloads.map((workload, index) => {
    say(`\r  ${index + 1} of ${workloads.length} workloads`);
    return simulateRow(workload, seeds);
  });
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, "report.md"), tabulateRows(rows));
  await writeFile(join(values.out, "report.svg"), plotRows(rows));
  say(`\n${tabulateRows(rows)}\nReport after ${Math.round((performance.now() - startMs) / 1_000)} s: ${values.out}\n`);
}

/** Of the trace that is made for want of a recorded one. */
const TRACE_PER_S = 1_200;

/** @throws TypeError with a sentence for a person. */
function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new TypeError(`--${name} must be a whole number from 1 on, and is ${text}`);
  return Number(text);
}

function say(text: string): void {
  process.stdout.write(text);
}

main().catch((error: unknown) => {
  process.stderr.write(error instanceof TypeError ? `${error.message}\n${USAGE}\n` : `${String(error)}\n`);
  process.exit(1);
});
