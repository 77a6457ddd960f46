import { setTimeout as sleep } from "node:timers/promises";

import type { Fleet } from "../roles/start-fleet.js";
import { readLoopAges } from "./loop-ages.js";

/** When a loop completed a turn for the first time after a fault had healed. */
export interface LoopProgress {
  readonly loop: string;
  /** Since the heal; undefined if it has not within the time that was given. An upper bound: turns between two looks are missed. */
  readonly afterMs: number | undefined;
}

const LOOK_EVERY_MS = 100;

/** How often a process is asked that does not tell its loops. */
const MAX_ASKS = 20;

/** The names of all loops of all processes: what must make progress. @throws Error if a process does not tell its loops */
export async function listLoops(fleet: Fleet): Promise<string[]> {
  const ages = await Promise.all(fleet.members.map(loopsOf));
  return ages.flat();
}

async function loopsOf(member: Fleet["members"][number]): Promise<string[]> {
  for (let ask = 0; ask < MAX_ASKS; ask++) {
    const ages = await readLoopAges(member);
    if (ages.length > 0) return ages.map(({ loop }) => loop);
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`${member.name} does not tell its loops`);
}

/**
 * Looks at every process until each of `loops` has completed a turn that ended after `healedMs`.
 * @param healedMs wall clock
 * @param limitMs how long it looks.
 */
export async function watchProgress(
  fleet: Fleet,
  loops: readonly string[],
  { healedMs, limitMs }: { readonly healedMs: number; readonly limitMs: number },
): Promise<LoopProgress[]> {
  const progress = new Map<string, number>();
  const look = async (member: Fleet["members"][number]): Promise<void> => {
    const askedMs = Date.now();
    for (const { loop, ageMs } of await readLoopAges(member)) {
      const afterMs = Math.round(Date.now() - ageMs - healedMs);
      // The answer was made somewhere between question and now; only what is after the heal for sure counts.
      if (askedMs - ageMs > healedMs && !progress.has(loop)) progress.set(loop, afterMs);
    }
  };
  const isDone = () => loops.every((loop) => progress.has(loop));
  while (!isDone() && Date.now() < healedMs + limitMs) {
    const silent = fleet.members.filter(({ name }) =>
      loops.some((loop) => loop.startsWith(`${name} `) && !progress.has(loop)),
    );
    await Promise.all(silent.map(look));
    if (!isDone()) await sleep(LOOK_EVERY_MS);
  }
  return loops.map((loop) => ({ loop, afterMs: progress.get(loop) }));
}
