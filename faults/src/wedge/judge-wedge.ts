import type { CampaignResult, UsageChange } from "../campaign/campaign-result.js";
import type { WedgeRound } from "./wedge-result.js";
import { WEDGE_FAULTS } from "./wedge-fault.js";

/** How long after a heal every loop must have completed a turn, and a task must have gone through. */
export const PROGRESS_LIMIT_MS = 10_000;
/** Connections that are just renewed; an api has those of its clients as well. */
const MORE_DESCRIPTORS = { api: 30, other: 8 } as const;

/** Everything that did not hold in one world, in words. */
export function judgeWedgeWorld(
  rounds: readonly WedgeRound[],
  { violations, usage }: Pick<CampaignResult, "violations" | "usage">,
): string[] {
  return [
    ...rounds.flatMap(judgeRound),
    ...usage.flatMap(judgeDescriptors),
    ...violations.map(({ invariant, detail }) => `${invariant}: ${detail}`),
  ];
}

function judgeRound({ fault, loops, flowMs, endedMeanwhile }: WedgeRound): string[] {
  const found = loops
    .filter(({ afterMs }) => isLate(afterMs))
    .map(({ loop, afterMs }) => `wedged: ${loop} ${sayLate(afterMs)} after ${fault}`);
  if (isLate(flowMs)) found.push(`wedged: no task went through ${sayLate(flowMs)} after ${fault}`);
  const goesOn = WEDGE_FAULTS.some((one) => one.name === fault && one.goesOn);
  if (goesOn && endedMeanwhile === 0) found.push(`wedged: no task ended during ${fault}`);
  return found;
}

function judgeDescriptors({ name, before, after }: UsageChange): string[] {
  const more = name.startsWith("api") ? MORE_DESCRIPTORS.api : MORE_DESCRIPTORS.other;
  if (after.descriptors <= before.descriptors + more) return [];
  return [`leak: ${name} had ${before.descriptors} descriptors, and has ${after.descriptors}`];
}

function isLate(afterMs: number | undefined): boolean {
  return afterMs === undefined || afterMs > PROGRESS_LIMIT_MS;
}

function sayLate(afterMs: number | undefined): string {
  return afterMs === undefined ? "for as long as was looked" : `until ${afterMs} ms`;
}
