import { DEFAULT_SETTINGS, type Ref } from "@sluice/broker";
import { describe, expect, test } from "vitest";
import { Ledger } from "../src/ledger.js";
import { PoolCredits } from "../src/pool-credits.js";
import { createRoutes } from "../src/zones/routes.js";
import { refOf } from "./ref-fixture.js";

const NOW_MS = 10_000;
const lane = {
  name: "m:1:east:now",
  model: "m",
  batchClass: "now",
  pool: "p@east",
  otherSites: ["p@west", "p"],
  modelMaxSize: 64,
} as const;

function ledgerWith(refs: readonly Ref[]): Ledger {
  const ledger = new Ledger();
  ledger.list(refs, NOW_MS, NOW_MS);
  return ledger;
}

function routesWith(liveSlots: number | undefined, spillAfterMs: number, waitedMs = 0) {
  const home = new PoolCredits();
  if (liveSlots !== undefined) home.learn({ used: 0, credits: liveSlots }, 0, NOW_MS);
  return createRoutes({
    lanes: { settingsOf: () => ({ ...DEFAULT_SETTINGS.forAll, zoneSpillAfterMs: spillAfterMs }) },
    zones: { all: () => ["east", "local", "west"] },
    ledger: ledgerWith([
      refOf({ lane: lane.name, admittedMs: NOW_MS - waitedMs }),
      refOf({ lane: "other", admittedMs: 0 }),
    ]),
    serverClock: { nowMs: () => NOW_MS },
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
    const routes = routesWith(slots, spillAfterMs, waitedMs);
    expect(routes.mayRun(lane, "p@west")).toBe(expected);
    expect(routes.mayRun(lane, "p@east")).toBe(true);
    expect(routes.mayRun(lane, "other@west")).toBe(false);
  });

  test.each([
    ["its own", 4, 2_000, ["p@east"]],
    ["that of all zones while the east has no worker", 0, 0, ["p@east", "p@west", "p"]],
    ["that of all zones while it waits for too long", 4, 2_001, ["p@east", "p@west", "p"]],
  ])("and so its room is %s", (_name, slots, waitedMs, expected) => {
    expect(routesWith(slots, 2_000, waitedMs).sitesInUse(lane)).toEqual(expected);
  });
});
