import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decide, type LaneView } from "../src/decide.js";

const LANE: LaneView = {
  policy: { kind: "fixed" },
  batchClass: "now",
  count: 10,
  cost: 10,
  oldestArrivedMs: 1_000,
  freeCredits: 1,
  maxSize: 64,
  maxWaitMs: 50,
  solo: false,
  draining: false,
};

describe("in fixed mode", () => {
  test.each([
    ["waits until the first task has waited long enough", {}, 1_049, { kind: "wait", untilMs: 1_050 }],
    ["is due then", {}, 1_050, { kind: "dispatch", size: 10, reason: "due" }],
    ["leaves when full", { count: 64, cost: 64 }, 1_000, { kind: "dispatch", size: 64, reason: "full" }],
    [
      "leaves with no more than the largest size",
      { count: 90, cost: 90 },
      1_099,
      { kind: "dispatch", size: 64, reason: "full" },
    ],
    [
      "grows on while no credit is free",
      { count: 90, cost: 90, freeCredits: 0 },
      9_999,
      { kind: "wait", untilMs: Infinity },
    ],
    ["waits for news when it is empty", { count: 0, cost: 0 }, 9_999, { kind: "wait", untilMs: Infinity }],
    ["leaves at once what must be alone", { solo: true }, 1_000, { kind: "dispatch", size: 1, reason: "solo" }],
    [
      "leaves at once when the batcher stops",
      { draining: true },
      1_000,
      { kind: "dispatch", size: 10, reason: "drain" },
    ],
    ["leaves at once with no waiting time", { maxWaitMs: 0 }, 1_000, { kind: "dispatch", size: 10, reason: "due" }],
  ] as const)("a batch %s", (_name, change, nowMs, decision) => {
    expect(decide({ ...LANE, ...change }, nowMs)).toEqual(decision);
  });
});

describe("whatever waits", () => {
  const lanes = fc.record({
    policy: fc.constant({ kind: "fixed" } as const),
    batchClass: fc.constantFrom("now" as const, "bulk" as const),
    count: fc.nat(500),
    cost: fc.nat(1_000),
    oldestArrivedMs: fc.nat(10_000),
    freeCredits: fc.nat(4),
    maxSize: fc.integer({ min: 1, max: 128 }),
    maxWaitMs: fc.nat(1_000),
    solo: fc.boolean(),
    draining: fc.boolean(),
  });
  const cases = fc.tuple(
    lanes.map((lane) => ({ ...lane, cost: lane.count === 0 ? 0 : Math.max(1, lane.cost) })),
    fc.nat(20_000),
  );
  const holds = (law: (lane: LaneView, nowMs: number) => boolean) =>
    fc.assert(fc.property(cases, ([lane, nowMs]) => law(lane, lane.oldestArrivedMs + nowMs)));

  test("no batch is larger than the largest size, or empty", () => {
    holds((lane, nowMs) => {
      const decision = decide(lane, nowMs);
      return decision.kind === "wait" || (decision.size <= lane.maxSize && decision.size > 0);
    });
  });

  test("nothing leaves without a credit", () => {
    holds((lane, nowMs) => lane.freeCredits > 0 || decide(lane, nowMs).kind === "wait");
  });

  test("nobody waits longer than the longest wait while a credit is free", () => {
    holds((lane, nowMs) => {
      const decision = decide(lane, nowMs);
      if (lane.count === 0 || lane.freeCredits === 0) return true;
      return decision.kind === "dispatch" || decision.untilMs <= lane.oldestArrivedMs + lane.maxWaitMs;
    });
  });

  test("waiting until the time that was named leads to a batch", () => {
    holds((lane, nowMs) => {
      const decision = decide(lane, nowMs);
      if (decision.kind === "dispatch" || decision.untilMs === Infinity) return true;
      return decision.untilMs > nowMs && decide(lane, decision.untilMs).kind === "dispatch";
    });
  });

  test("each reason means what it says", () => {
    holds((lane, nowMs) => {
      const decision = decide(lane, nowMs);
      if (decision.kind === "wait") return true;
      switch (decision.reason) {
        case "solo":
          return lane.solo && decision.size === 1;
        case "full":
          return !lane.solo && lane.cost >= lane.maxSize && decision.size === lane.maxSize;
        case "drain":
          return lane.draining && decision.size === lane.cost;
        case "due":
          return nowMs >= lane.oldestArrivedMs + lane.maxWaitMs && decision.size === lane.cost;
        default:
          return false;
      }
    });
  });
});
