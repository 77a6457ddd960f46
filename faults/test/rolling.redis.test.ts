import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { rollingLines } from "../src/rolling/rolling-report.js";
import { runRolling } from "../src/rolling/run-rolling.js";

/** SLUICE_FAULTS_SEED replays a run that failed. */
const seed = process.env["SLUICE_FAULTS_SEED"] ?? randomBytes(4).toString("hex");

test(
  "nobody notices that every process is restarted; of an api that does not drain they do",
  { timeout: 120_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-rolling-"));
    const lines: string[] = [`replay with SLUICE_FAULTS_SEED=${seed}`];
    const options = { topology: "S", seed, times: 1, say: (line: string) => void lines.push(line) } as const;
    const [result, control] = await Promise.all([
      runRolling({ ...options, dir: join(dir, "all") }),
      runRolling({ ...options, dir: join(dir, "control"), roles: ["api"], env: { DRAIN_MS: "0" }, perSecond: 80 }),
    ]);
    console.log([...lines, ...rollingLines([result]), "control:", ...rollingLines([control]).slice(0, 10)].join("\n"));
    expect(result.broken, `replay with SLUICE_FAULTS_SEED=${seed}; logs in ${dir}`).toEqual([]);
    expect(result.restarts).toHaveLength(6);
    expect(result.repeated).toBeGreaterThan(0);
    expect(control.errors.length).toBeGreaterThan(0);
    await rm(dir, { recursive: true, force: true });
  },
);
