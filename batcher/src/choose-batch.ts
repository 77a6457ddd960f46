import { decide, type Decision, type LaneView } from "./decide.js";

/**
 * How much longer than a `now` batch a `bulk` batch waits for its turn when both want the same credit. Without an end
 * to it, bulk would never leave a pool that `now` keeps busy.
 */
const BULK_PATIENCE_MS = 1_000;

/** The batch that is to be published next, or when to look again (monotonic milliseconds). */
export type Choice<Candidate> =
  | {
      readonly kind: "dispatch";
      readonly candidate: Candidate;
      readonly decision: Extract<Decision, { readonly kind: "dispatch" }>;
    }
  | { readonly kind: "wait"; readonly untilMs: number };

/**
 * Among the queues of one pool, the batch whose first reference has waited longest; `bulk` stands back behind `now`,
 * and a lane that is held (see LaneHolds) waits.
 * @param decideOne another rule than the product's, for comparison.
 */
export function chooseBatch<Candidate extends { readonly view: LaneView; readonly heldUntilMs: number }>(
  candidates: readonly Candidate[],
  nowMs: number,
  decideOne: (candidate: Candidate, nowMs: number) => Decision = decideUnlessHeld,
): Choice<Candidate> {
  let choice: Choice<Candidate> = { kind: "wait", untilMs: Infinity };
  let firstTurnMs = Infinity;
  for (const candidate of candidates) {
    const decision = decideOne(candidate, nowMs);
    if (decision.kind === "wait") {
      if (choice.kind === "wait" && decision.untilMs < choice.untilMs) choice = decision;
      continue;
    }
    const turnMs = turnOf(candidate.view);
    if (choice.kind === "dispatch" && turnMs >= firstTurnMs) continue;
    choice = { kind: "dispatch", candidate, decision };
    firstTurnMs = turnMs;
  }
  return choice;
}

function decideUnlessHeld(
  { view, heldUntilMs }: { readonly view: LaneView; readonly heldUntilMs: number },
  nowMs: number,
): Decision {
  return nowMs < heldUntilMs ? { kind: "wait", untilMs: heldUntilMs } : decide(view, nowMs);
}

function turnOf({ oldestArrivedMs, batchClass }: LaneView): number {
  return batchClass === "bulk" ? oldestArrivedMs + BULK_PATIENCE_MS : oldestArrivedMs;
}
