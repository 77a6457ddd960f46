/**
 * Calls `submit` at each time of `scheduleMs`, whether or not earlier calls have ended, and resolves when all have.
 * @param submit takes the scheduled time, on performance.now()'s clock; it must not reject.
 * @param startMs what the schedule counts from, on the same clock.
 * @returns by how many milliseconds each call was late.
 */
export async function submitOnSchedule(
  submit: (dueMs: number) => Promise<void>,
  scheduleMs: readonly number[],
  startMs: number,
): Promise<number[]> {
  const lateMs: number[] = [];
  const running: Promise<void>[] = [];
  for (const dueMs of scheduleMs) {
    const atMs = startMs + dueMs;
    await pauseUntil(atMs);
    lateMs.push(performance.now() - atMs);
    running.push(submit(atMs));
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
