import { setTimeout as delay } from "node:timers/promises";

/** Waits, or less if the signal says that there is no time left. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
