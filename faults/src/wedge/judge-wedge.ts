import type { CampaignResult, UsageChange } from "../campaign/campaign-result.js";
import type { WedgeRound } from "./wedge-result.js";
import { WEDGE_FAULTS } from "./wedge-fault.js";

/** How long after a heal every loop must have completed a turn, and a task must have gone through. */
export const PROGRESS_LIMIT_MS = 10_000;
/**
 * Connections that are just renewed; an api has those of its clients as well, and a gpu-worker those to the oracle that
 * it replaced in the last minute: grpc-js closes them in order, and a silent server leaves them half closed.
 */
const MORE_DESCRIPTORS = { api: 30, "gpu-worker": 24, batcher: 8 } as const;

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
  const role = Object.keys(MORE_DESCRIPTORS).find((one) => name.startsWith(one)) as keyof typeof MORE_DESCRIPTORS;
  const more = MORE_DESCRIPTORS[role];
  if (after.descriptors <= before.descriptors + more) return [];
  return [`leak: ${name} had ${before.descriptors} descriptors, and has ${after.descriptors}`];
}

function isLate(afterMs: number | undefined): boolean {
  return afterMs === undefined || afterMs > PROGRESS_LIMIT_MS;
}

function sayLate(afterMs: number | undefined): string {
  return afterMs === undefined ? "for as long as was looked" : `until ${afterMs} ms`;
}
