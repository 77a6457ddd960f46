import { DEFAULT_SETTINGS } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { PoolCredits } from "../src/pool-credits.js";
import { createRoutes } from "../src/zones/routes.js";

const NOW_MS = 10_000;
const lane = {
  name: "m:1:east:now",
  model: "m",
  batchClass: "now",
  pool: "p@east",
  otherSites: ["p@west", "p"],
  modelMaxSize: 64,
} as const;

function routesWith(liveSlots: number | undefined, spillAfterMs: number) {
  const home = new PoolCredits();
  if (liveSlots !== undefined) home.learn({ used: 0, credits: liveSlots }, 0, NOW_MS);
  return createRoutes({
    lanes: { settingsOf: () => ({ ...DEFAULT_SETTINGS.forAll, zoneSpillAfterMs: spillAfterMs }) },
    zones: { all: () => ["east", "local", "west"] },
    clock: { monotonicMs: () => NOW_MS, epochMs: () => 0 },
    creditsOf: (site) => (site === lane.pool ? home : undefined),
  });
}

describe("work of the east may run in the west", () => {
  test.each<[string, { slots?: number; spillAfterMs: number; waitedMs: number }, boolean]>([
    ["not while the east has workers and it has just come", { slots: 4, spillAfterMs: 2_000, waitedMs: 0 }, false],
    ["not before it has waited for too long", { slots: 4, spillAfterMs: 2_000, waitedMs: 2_000 }, false],
    ["when it has", { slots: 4, spillAfterMs: 2_000, waitedMs: 2_001 }, true],
    ["not then, where waiting is no reason", { slots: 4, spillAfterMs: 0, waitedMs: 9_000 }, false],
    ["at once while the east has no worker", { slots: 0, spillAfterMs: 0, waitedMs: 0 }, true],
    ["not while nobody knows whether it has", { spillAfterMs: 0, waitedMs: 0 }, false],
  ])("%s", (_name, { slots, spillAfterMs, waitedMs }, expected) => {
    const routes = routesWith(slots, spillAfterMs);
    expect(routes.mayRun(lane, "p@west", NOW_MS - waitedMs)).toBe(expected);
    expect(routes.mayRun(lane, "p@east", NOW_MS - waitedMs)).toBe(true);
    expect(routes.mayRun(lane, "other@west", NOW_MS - waitedMs)).toBe(false);
  });

  test("and so its room is that of all zones while the east has no worker", () => {
    expect(routesWith(4, 2_000).sitesInUse(lane)).toEqual(["p@east"]);
    expect(routesWith(0, 2_000).sitesInUse(lane)).toEqual(["p@east", "p@west", "p"]);
  });
});
