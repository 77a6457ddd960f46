import type { Decision, LaneView } from "./decide.js";

/** The classic rule for a batch that is not full: it is due `maxWaitMs` after its first reference arrived. */
export function decideFixed(lane: LaneView, nowMs: number): Decision {
  const dueMs = lane.oldestArrivedMs + lane.maxWaitMs;
  return nowMs >= dueMs ? { kind: "dispatch", size: lane.cost, reason: "due" } : { kind: "wait", untilMs: dueMs };
}
