import type { UsageChange } from "../campaign/campaign-result.js";
import type { UnplannedExit } from "../managed-process.js";
import type { Violation } from "./violation.js";

/**
 * A process may keep so much more than before the faults: replaced connections go when TCP gives them up, and memory is
 * given back when it suits the garbage collector. After 200 kills it was one descriptor and 43 MB at most.
 */
const MORE_DESCRIPTORS = 20;
const MORE_MEMORY_MB = 100;

/** Who holds more than before. */
export function judgeUsage(usage: readonly UsageChange[]): Violation[] {
  return usage.flatMap(({ name, before, after }) => {
    const descriptors = after.descriptors > before.descriptors + MORE_DESCRIPTORS;
    const memory = after.residentMb > before.residentMb + MORE_MEMORY_MB;
    if (!descriptors && !memory) return [];
    const detail = `${name}: ${before.descriptors} -> ${after.descriptors} descriptors, ${before.residentMb} -> ${after.residentMb} MB`;
    return [{ invariant: "leak" as const, detail }];
  });
}

/** Who ended by himself after he had been ready. */
export function judgeExits(exits: readonly UnplannedExit[]): Violation[] {
  return exits
    .filter(({ wasReady }) => wasReady)
    .map(({ name, code, signal }) => ({ invariant: "crash", detail: `${name} ended with ${signal ?? code}` }));
}
