import type { LoopDeps } from "./closed-loop.js";

/**
 * Submits a task at each time of `scheduleMs`, whether or not earlier ones are answered, and resolves when all are.
 * Latencies are counted from the scheduled time: what a late generator or a slow system does to the tasks behind is
 * part of what their callers would see (no coordinated omission).
 * @param startMs what the schedule counts from, on performance.now()'s clock.
 * @returns by how many milliseconds each task was submitted late.
 */
export async function runOpenLoop(deps: LoopDeps, scheduleMs: readonly number[], startMs: number): Promise<number[]> {
  const lateMs: number[] = [];
  const running: Promise<void>[] = [];
  for (const dueMs of scheduleMs) {
    const atMs = startMs + dueMs;
    await pauseUntil(atMs);
    lateMs.push(performance.now() - atMs);
    running.push(runTask(deps, atMs));
  }
  await Promise.all(running);
  return lateMs;
}

/** Timers count whole milliseconds and may be early by part of one; tasks that are due already go out together. */
async function pauseUntil(atMs: number): Promise<void> {
  for (let leftMs = atMs - performance.now(); leftMs > 0; leftMs = atMs - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(leftMs)));
  }
}

async function runTask({ exchange, nextInput, recorder }: LoopDeps, atMs: number): Promise<void> {
  const problem = await exchange(nextInput(), recorder.nextIsChecked());
  recorder.ended(atMs, performance.now(), problem);
}
