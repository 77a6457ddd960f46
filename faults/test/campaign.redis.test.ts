import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { runCampaign } from "../src/campaign/run-campaign.js";
import { summarize } from "../src/report/summarize.js";

/** A new one each time, so that every run of the tests looks elsewhere; SLUICE_FAULTS_SEED replays one that failed. */
const seed = process.env["SLUICE_FAULTS_SEED"] ?? randomBytes(4).toString("hex");

test.each([
  { topology: "S", mode: "adaptive", tasks: 2_500, kills: 5 },
  { topology: "C", mode: "fixed", tasks: 2_000, kills: 4 },
] as const)(
  "everything that $topology accepts under $kills kills with $mode batches ends once, as it should",
  { timeout: 180_000 },
  async ({ topology, mode, tasks, kills }) => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-faults-"));
    const lines: string[] = [`replay with SLUICE_FAULTS_SEED=${seed}`];
    const result = await runCampaign({ topology, mode, seed, tasks, kills, dir, say: (line) => lines.push(line) });
    lines.push(...summarize(result));
    console.log(lines.join("\n"));
    expect(result.violations, `replay with SLUICE_FAULTS_SEED=${seed}; logs in ${dir}`).toEqual([]);
    expect(result.kills).toBeGreaterThan(kills / 2);
    expect(result.tasks.ok).toBeGreaterThan(tasks / 2);
    await rm(dir, { recursive: true, force: true });
  },
);
