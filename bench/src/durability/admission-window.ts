import { type AdmitRequest, createTaskId, DEFAULT_ZONE, digestOf } from "@sluice/broker";
import { summariseTasks, type TaskSummary } from "../measure/task-times.js";
import type { Timing } from "../process/report-to-parent.js";
import type { OpenLevel } from "./open-level.js";

const MODEL = { model: "bench", version: "1", zone: DEFAULT_ZONE } as const;
const TTL_MS = 60_000;

/** What one window has shown. */
export interface AdmissionSummary extends TaskSummary {
  /** Admissions that nobody confirmed in time: in no other figure. */
  readonly unconfirmed: number;
}

/**
 * Keeps `inFlight` admissions under way and sums up what was confirmed after the warm-up, until none is left; none begins
 * after `measureMs`.
 * @param nextText another text each time: no two tasks share a run.
 */
export async function measureAdmissions(
  { admit }: Pick<OpenLevel, "admit">,
  nextText: () => string,
  { inFlight, warmUpMs, measureMs }: Timing & { readonly inFlight: number },
): Promise<AdmissionSummary> {
  const openMs = performance.now() + warmUpMs;
  const untilMs = openMs + measureMs;
  const times = { startMs: [] as number[], endMs: [] as number[] };
  let unconfirmed = 0;
  const admitAll = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const task = createTask(nextText());
      const startMs = performance.now();
      if (await admit(task)) {
        times.startMs.push(startMs);
        times.endMs.push(performance.now());
      } else unconfirmed++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, admitAll));
  // Only now the window closes: a confirmation may take longer than it was meant to be.
  return { ...summariseTasks(times, { openMs, closeMs: performance.now() }, "end"), unconfirmed };
}

function createTask(text: string): AdmitRequest {
  const digest = digestOf({ ...MODEL, signature: "", scope: "", salt: "", input: text });
  return {
    taskId: createTaskId(digest.shard, Date.now()),
    owner: "bench",
    lane: { ...MODEL, batchClass: "now" },
    digest,
    signature: "",
    ttlMs: TTL_MS,
    input: { kind: "input", bytes: text },
  };
}
