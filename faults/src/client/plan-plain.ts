import type { PlanTask } from "./plan-task.js";

/** Ordinary tasks without twins or keys, all with this deadline; nobody waits in the submission itself. */
export function planPlain(deadlineMs: number): PlanTask {
  return (seed, index) => {
    const text = `${seed} ${index}`;
    return { index, text, purpose: "ordinary", deadlineMs, idempotencyKey: undefined, waitS: 0 };
  };
}
