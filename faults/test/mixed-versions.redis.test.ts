import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "vitest";

import { runMixedVersions } from "../src/rolling/run-mixed-versions.js";

test(
  "two versions side by side leave each other's messages alone, and everything ends",
  { timeout: 120_000 },
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-mixed-"));
    const lines: string[] = [];
    const result = await runMixedVersions({ seed: "mixed", tasks: 60, dir, say: (line) => lines.push(line) });
    console.log([...lines, JSON.stringify(result)].join("\n"));
    expect(result.broken, `logs in ${dir}`).toEqual([]);
    expect(result.accepted).toBeGreaterThan(100);
    expect(result.leftByOld).toBeGreaterThan(5);
    await rm(dir, { recursive: true, force: true });
  },
);
