import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { partition } from "../src/outages/partition.js";
import { runOutage } from "../src/outages/run-outage.js";

/** SLUICE_FAULTS_SEED replays a run that failed. */
const seed = process.env["SLUICE_FAULTS_SEED"] ?? randomBytes(4).toString("hex");
/** A replica is promoted by then (2 s of silence, and a vote). */
const PARTED_MS = 5_000;

test(
  "a master that is parted from its Cluster accepts nothing, and nothing that was accepted is lost",
  { timeout: 120_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-parted-"));
    const lines: string[] = [`replay with SLUICE_FAULTS_SEED=${seed}`];
    const say = (line: string): void => void lines.push(line);
    const { broken, campaign } = await runOutage(
      {
        name: "parted",
        world: { topology: "C", separable: true },
        perSecond: 60,
        act: partition(PARTED_MS),
      },
      { seed, dir, say },
    );
    console.log(lines.join("\n"));
    expect(broken, `replay with SLUICE_FAULTS_SEED=${seed}; logs in ${dir}`).toEqual([]);
    expect(campaign.tasks.ok).toBeGreaterThan(100);
    await rm(dir, { recursive: true, force: true });
  },
);
