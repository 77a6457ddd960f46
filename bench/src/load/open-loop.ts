import type { LoopDeps } from "./closed-loop.js";
import { submitOnSchedule } from "./submit-on-schedule.js";

/**
 * Submits a task at each time of `scheduleMs`, whether or not earlier ones are answered, and resolves when all are.
 * Latencies are counted from the scheduled time: what a late generator or a slow system does to the tasks behind is
 * part of what their callers would see (no coordinated omission).
 * @param startMs what the schedule counts from, on performance.now()'s clock.
 * @returns by how many milliseconds each task was submitted late.
 */
export async function runOpenLoop(deps: LoopDeps, scheduleMs: readonly number[], startMs: number): Promise<number[]> {
  return await submitOnSchedule((dueMs) => runTask(deps, dueMs), scheduleMs, startMs);
}

async function runTask({ exchange, nextInput, recorder }: LoopDeps, dueMs: number): Promise<void> {
  const problem = await exchange(nextInput(), recorder.nextIsChecked());
  recorder.ended(dueMs, performance.now(), problem);
}
