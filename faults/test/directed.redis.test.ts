import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { directedLines } from "../src/directed/directed-report.js";
import { ONE_SERVER_SCENARIOS } from "../src/directed/one-server-scenarios.js";
import { runDirected } from "../src/directed/run-directed.js";

/** SLUICE_FAULTS_SEED replays a run that failed. */
const seed = process.env["SLUICE_FAULTS_SEED"] ?? randomBytes(4).toString("hex");

/** The fastest ones; `npm run faults -- directed` has all. */
test.each(["the log ends in the middle of a record", "the groups of all streams are destroyed, and set back to 0"])(
  "nothing is lost when %s",
  { timeout: 120_000 },
  async (name) => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-directed-"));
    const lines: string[] = [`replay with SLUICE_FAULTS_SEED=${seed}`];
    const scenarios = ONE_SERVER_SCENARIOS.filter((scenario) => scenario.name === name);
    const results = await runDirected(scenarios, { seed, dir, say: (line) => void lines.push(line) });
    console.log([...lines, ...directedLines(results)].join("\n"));
    const [result] = results;
    expect(result?.broken, `replay with SLUICE_FAULTS_SEED=${seed}; logs in ${dir}`).toEqual([]);
    expect(result?.campaign?.tasks.ok).toBeGreaterThan(100);
    await rm(dir, { recursive: true, force: true });
  },
);
