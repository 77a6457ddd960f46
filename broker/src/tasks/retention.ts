import type { Settings } from "../settings/settings.js";

/** How much longer than its result a task is remembered, so that clocks and retries do not make a 404 of a 410. */
export const TASK_KEEP_SLACK_MS = 60_000;

/** How long a settled run is kept: as long as anybody may read it, or be answered from it. Milliseconds. */
export function keepMs(settings: Settings, modelCacheTtlS: number | undefined): number {
  return Math.max(settings.resultTtlS * 1_000, pointerMs(settings, modelCacheTtlS));
}

/**
 * How long a task is remembered after its admission, without the slack: whatever was admitted within that time of a
 * request is known until then. Milliseconds.
 */
export function taskKeptMs(settings: Settings, ttlMs: number, modelCacheTtlS: number | undefined): number {
  return Math.round(ttlMs) + keepMs(settings, modelCacheTtlS);
}

/** How long later tasks with the same digest find the run: the dedupe window, or the cache's. Milliseconds. */
export function pointerMs(settings: Settings, modelCacheTtlS: number | undefined): number {
  return Math.max(1, 1_000 * Math.max(settings.dedupeTtlS, modelCacheTtlS ?? settings.cacheTtlS));
}
