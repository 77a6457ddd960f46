import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { BREAKS } from "../src/breaks/breaks.js";
import { runSweep } from "../src/failpoints/run-sweep.js";
import { sweepLines } from "../src/failpoints/sweep-report.js";
import type { SweepResult } from "../src/failpoints/sweep-result.js";
import type { Patch } from "../src/roles/copy-programs.js";

/** SLUICE_FAULTS_SEED replays a run that failed. */
const seed = process.env["SLUICE_FAULTS_SEED"] ?? randomBytes(4).toString("hex");
const NO_HEIR = "an heir does not claim what is pending for a dead batcher";

async function sweep(dir: string, say: (line: string) => void, patches: readonly Patch[] = []): Promise<SweepResult> {
  const result = await runSweep({
    ...{ topology: "S", seed, only: "batcher:before:publish", seeds: 2, dir, say, patches },
    counts: { api: 2, batcher: 2, "gpu-worker": 2 },
    traceMs: 2_000,
    quietMs: patches.length === 0 ? 60_000 : 15_000,
  });
  sweepLines(result).slice(0, 14).forEach(say);
  return result;
}

test(
  "batchers die with batches that they were about to publish, and nothing is lost, but for one whose heir looks away",
  { timeout: 150_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-failpoints-"));
    const lines = [`replay with SLUICE_FAULTS_SEED=${seed}`];
    const patches = BREAKS.find(({ name }) => name === NO_HEIR)?.patches ?? [];
    expect(patches).not.toEqual([]);
    const [result, control] = await Promise.all([
      sweep(join(dir, "sound"), (line) => void lines.push(line)),
      sweep(join(dir, "control"), (line) => void lines.push(`control: ${line}`), patches),
    ]);
    console.log(lines.join("\n"));
    expect(result.broken, `replay with SLUICE_FAULTS_SEED=${seed}; logs in ${dir}`).toEqual([]);
    expect(result.reached.length).toBeGreaterThanOrEqual(2);
    expect(control.broken.filter((line) => line.startsWith("stuck"))).not.toEqual([]);
    await rm(dir, { recursive: true, force: true });
  },
);
