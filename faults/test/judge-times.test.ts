import { expect, test } from "vitest";

import type { CampaignResult } from "../src/campaign/campaign-result.js";
import { judgeTimes } from "../src/check/judge-times.js";

const result = (name: string, recoveryMs: number, writeGapMs?: number, kills = 5): CampaignResult =>
  ({
    topology: "R",
    recoveries: Array.from({ length: kills }, () => ({ name, atMs: 0, affectedTasks: 1, recoveryMs, writeGapMs })),
  }) as unknown as CampaignResult;

test.each([
  ["a worker in time", result("kill-role gpu-worker", 6_000), 0],
  ["a worker too late", result("kill-role gpu-worker", 6_001), 1],
  ["a batcher in time", result("kill-role batcher", 8_000), 0],
  ["a batcher too late", result("kill-role batcher", 8_001), 1],
  ["a master whose shards take work in time", result("kill-master", 9_000, 6_000), 0],
  ["a master whose shards do not", result("kill-master", 9_000, 6_001), 1],
  ["too few kills to say", result("kill-role batcher", 99_000, undefined, 4), 0],
  ["an api: nothing is promised", result("kill-role api", 99_000), 0],
])("of what is promised is kept: %s", (_name, campaign, broken) => {
  expect(judgeTimes([campaign])).toHaveLength(broken);
});
